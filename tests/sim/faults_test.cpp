// Crashes, power loss and cut links, at moments chosen by seed. RIK_SEED=N replays one, RIK_SEEDS=N runs more.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <cstdlib>
#include <stdexcept>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"containers":[{"name":"web","image":"web:1"}]}})";

awaitable<std::vector<stored<instance>>> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().list_instances(caller(), instance_filter());
    if (!listed) throw std::runtime_error(to_string(listed.error()));
    co_return listed->rows;
}

awaitable<> fault(sim::cluster& cluster, sim::world& world, std::uint64_t kind) {
    auto const node = world.random().below(cluster.node_count());
    auto const pause = std::chrono::milliseconds(world.random().below(3000));
    switch (kind) {
        case 0:
            co_await cluster.crash_primary();
            co_await world.time().sleep_for(pause);
            co_await cluster.start_primary();
            break;
        case 1:
            co_await cluster.crash_scheduler();
            co_await world.time().sleep_for(pause);
            co_await cluster.start_scheduler();
            break;
        case 2:
            co_await cluster.crash_node(node);
            co_await world.time().sleep_for(pause);
            co_await cluster.start_node(node);
            break;
        case 3:
            co_await cluster.power_off(node);
            co_await world.time().sleep_for(pause);
            co_await cluster.start_node(node);
            break;
        default:
            cluster.cut_link(node);
            co_await world.time().sleep_for(pause * 10);
            cluster.mend_link(node);
            break;
    }
}

/// Creates, deletes and breaks; then the faults stop and what runs must be what is wanted.
awaitable<> storm(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const workload = co_await cluster.create(web, 6);
    std::size_t wanted = 6;
    for (int round = 0; round < 8; ++round) {
        auto const moment = std::chrono::milliseconds(world.random().below(300));
        co_await world.time().sleep_for(moment);
        auto const kind = world.random().below(5);
        co_await fault(cluster, world, kind);
        auto const wrong = cluster.violations();
        if (!wrong.empty()) throw std::runtime_error(wrong);
        auto const rows = co_await instances(cluster);
        if (world.random().below(2) == 0) {
            create_instances_request more{.workload = workload, .replicas = 2};
            auto const made = co_await cluster.api().create_instances(caller(), more);
            if (made) wanted += 2;
        } else if (!rows.empty()) {
            auto const victim = rows[world.random().below(rows.size())];
            auto const was_condemned = victim->is_condemned();
            auto const gone = co_await cluster.api().delete_instance(caller(), victim->id());
            if (gone && !was_condemned) --wanted;
        }
    }
    co_await world.time().sleep_for(60s);
    co_await cluster.until(sim::all_running);
    auto const rows = co_await instances(cluster);
    std::size_t running_count = 0;
    for (std::size_t index = 0; index < cluster.node_count(); ++index) {
        running_count += cluster.node(index).running().size();
        auto const occupied = cluster.node(index).occupied();
        if (cluster.node(index).attached().size() != occupied.size())
            throw std::runtime_error("a Pod is off the network");
        if (occupied.size() != cluster.node(index).running().size())
            throw std::runtime_error("something is left on a node");
    }
    if (rows.size() != wanted)
        throw std::runtime_error("an acknowledged change is lost: " + std::to_string(rows.size()) + " of " +
                                 std::to_string(wanted));
    if (running_count != wanted) throw std::runtime_error("what runs is not what is wanted");
    if (auto const wrong = cluster.violations(); !wrong.empty()) throw std::runtime_error(wrong);
    co_await cluster.stop();
}

void run_seed(std::uint64_t seed) {
    INFO("RIK_SEED=" << seed);
    sim::world world(seed);
    sim::cluster cluster(world, {.nodes = 3});
    REQUIRE_NOTHROW(world.run(storm(cluster, world)));
}

awaitable<> keeps_running(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 3);
    co_await cluster.until(sim::all_running);
    auto const starts = cluster.node(0).starts().size();
    co_await cluster.crash_node(0);
    co_await cluster.crash_scheduler();
    co_await cluster.crash_primary();
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 3);
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(30s);
    co_await cluster.until(sim::all_running);
    CHECK(cluster.node(0).starts().size() == starts);
    CHECK(cluster.node(0).attached().size() == 3);
    co_await cluster.stop();
}

awaitable<> starts_again_after_power_loss(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 2);
    co_await cluster.until(sim::all_running);
    co_await cluster.power_off(0);
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(30s);
    co_await cluster.until(sim::all_running);
    CHECK(cluster.node(0).running().size() == 2);
    co_await cluster.stop();
}

awaitable<> deleted_while_cut_off(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const workload = co_await cluster.create(web, 2);
    co_await cluster.until(sim::all_running);
    cluster.cut_link(0);
    co_await world.time().sleep_for(1min);
    auto const nodes = co_await cluster.api().list_nodes(caller());
    CHECK(nodes->rows.at(0)->state == node_state::unheard);
    auto const deleted = co_await cluster.api().delete_workload(caller(), workload);
    CHECK(deleted.has_value());
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 2);  // an unheard node's instances count until it confirms
    cluster.mend_link(0);
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
    co_await cluster.stop();
}

awaitable<> full_disk_stops_the_primary(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    cluster.fail_primary_disk(error{errc::exhausted, "the disk is full"});
    auto parsed = parse_definition(web);
    auto const made = co_await cluster.api().create_workload(caller(), std::move(parsed.definition));
    REQUIRE_FALSE(made.has_value());
    auto const again = co_await cluster.api().list_workloads(caller());
    CHECK(again->rows.empty());
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    auto const after = co_await cluster.api().list_workloads(caller());
    CHECK(after->rows.empty());
    co_await cluster.stop();
}

void simulate(awaitable<> (*what)(sim::cluster&, sim::world&)) {
    sim::world world(7);
    sim::cluster cluster(world, {});
    world.run(what(cluster, world));
}

}  // namespace

TEST_CASE("all roles die and come back: containers run on and are taken over, not restarted") {
    simulate(keeps_running);
}
TEST_CASE("a machine that loses its power starts what it was assigned") { simulate(starts_again_after_power_loss); }
TEST_CASE("what is deleted while its node is cut off goes when the node is heard") { simulate(deleted_while_cut_off); }
TEST_CASE("a full disk acknowledges nothing, and nothing of it is there later") {
    simulate(full_disk_stops_the_primary);
}

TEST_CASE("after any storm of faults, what runs is what is wanted") {
    if (auto const* const one = std::getenv("RIK_SEED")) return run_seed(std::strtoull(one, nullptr, 10));
    auto const* const many = std::getenv("RIK_SEEDS");
    auto const count = many != nullptr ? std::strtoull(many, nullptr, 10) : 100;
    for (std::uint64_t seed = 1; seed <= count; ++seed) run_seed(seed);
}
