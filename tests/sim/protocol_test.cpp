// What the protocol promises with many nodes, machines that shrink, and a scheduler that was left behind.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"main",
    "image":"web:1","resources":{"requests":{"cpu":"2"}}}]}})";
constexpr char const* comes_back = R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Always",
    "containers":[{"name":"main","image":"web:1","resources":{"requests":{"cpu":"2"}}}]}})";

awaitable<> delete_one(sim::cluster& cluster, instance_id which) {
    auto const deleted = co_await cluster.api().instances().remove(caller(), which, any_revision);
    REQUIRE(deleted.has_value());
}

awaitable<std::vector<stored<instance>>> list_all(sim::cluster& cluster) {
    auto listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return std::move(listed->rows);
}

std::size_t start_count(sim::cluster& cluster) {
    std::size_t count = 0;
    for (std::size_t index = 0; index < cluster.node_count(); ++index) count += cluster.node(index).starts().size();
    return count;
}

/// In its cache the instance is still bound.
awaitable<> left_behind(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    co_await world.time().sleep_for(10s);
    cluster.leave_scheduler_behind();
    cluster.dial_old_scheduler(0, false);
    auto const rows = co_await list_all(cluster);
    co_await delete_one(cluster, rows.at(0)->id());
    co_await cluster.until(sim::none_left);
    cluster.dial_old_scheduler(0, true);
    co_await world.time().sleep_for(30s);
    CHECK(cluster.node(0).running().empty());
    CHECK(cluster.node(0).starts().size() == 1);
    co_await cluster.stop_old_scheduler();
    co_await world.time().sleep_for(10s);
    auto const parsed = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    create_instances_request one{.workload = parsed->rows.at(0)->id};
    auto const made = co_await cluster.api().instances().create(caller(), std::move(one));
    CHECK(made.has_value());
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// What it says to the one that was left behind gets lost, and is asked for.
awaitable<> served_by_the_old_one(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour brief;
    brief.runs_for = 20s;
    cluster.node(0).set_behaviour("web:1", brief);
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    cluster.leave_scheduler_behind();
    co_await world.time().sleep_for(30s);
    auto const before = co_await list_all(cluster);
    CHECK(before.at(0)->state() == instance_state::running);
    auto const nodes = co_await cluster.api().nodes().list(caller(), page());
    CHECK(nodes->rows.at(0)->state == node_state::unheard);
    auto const inventories = cluster.inventory_count();
    co_await cluster.stop_old_scheduler();
    co_await world.time().sleep_for(10s);
    auto const after = co_await list_all(cluster);
    CHECK(after.at(0)->state() == instance_state::succeeded);
    CHECK(cluster.inventory_count() == inventories + 1);
    co_await cluster.stop();
}

resources cores(std::int64_t count) {
    resources made;
    made.set(resource::cpu, count * 1000);
    made.set(resource::memory, std::int64_t{8} << 30);
    made.set(resource::pods, 110);
    return made;
}

std::size_t count_with(std::vector<stored<instance>> const& rows, std::string_view reason) {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows, [&](auto const& row) { return row->status().reason == reason; }));
}

/// Of two instances one fits when the machine is back, and nothing else is placed there.
awaitable<> shrunk(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(comes_back, 2);
    co_await cluster.until(sim::all_running(2));
    co_await cluster.power_off(0);
    cluster.node(0).set_capacity(cores(2));
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(1min);
    auto const rows = co_await list_all(cluster);
    CHECK(count_with(rows, "WaitingForRoom") == 1);
    CHECK(cluster.node(0).running().size() == 1);
    for (auto const& row : rows)
        if (row->state() == instance_state::running) co_await delete_one(cluster, row->id());
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// The scheduler, then the primary, then all links: nobody holds anything else than before.
awaitable<> everybody_returns(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 400);
    co_await cluster.until(sim::all_running(400));
    co_await world.time().sleep_for(30s);
    auto const inventories = cluster.inventory_count();
    auto const starts = start_count(cluster);
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(20s);
    co_await cluster.start_scheduler();
    co_await world.time().sleep_for(30s);
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(30s);
    for (std::size_t index = 0; index < cluster.node_count(); ++index) cluster.silence_link(index);
    co_await world.time().sleep_for(11s);
    auto const silent = co_await cluster.api().nodes().list(caller(), page());
    for (auto const& each : silent->rows) CHECK(each->state == node_state::unheard);
    for (std::size_t index = 0; index < cluster.node_count(); ++index) cluster.mend_link(index);
    co_await world.time().sleep_for(30s);
    auto const heard = co_await cluster.api().nodes().list(caller(), page());
    for (auto const& each : heard->rows) CHECK(each->state == node_state::ready);
    CHECK(cluster.inventory_count() == inventories);
    CHECK(start_count(cluster) == starts);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(awaitable<> (*what)(sim::cluster&, sim::world&), sim::cluster_options options = {}) {
    sim::world world(42);
    sim::cluster cluster(world, std::move(options));
    world.run(what(cluster, world), 1h);
}

}  // namespace

TEST_CASE("a scheduler that was left behind is not obeyed by a node that knows more") { simulate(left_behind); }
TEST_CASE("what was said to a scheduler that was left behind is asked for") { simulate(served_by_the_old_one); }
TEST_CASE("on a machine that has shrunk what does not fit waits") { simulate(shrunk); }
TEST_CASE("when everybody returns nothing is listed, and nothing starts") {
    simulate(everybody_returns, {.nodes = 200, .link_delay_max = 20ms, .flush_delay_max = 10ms});
}
