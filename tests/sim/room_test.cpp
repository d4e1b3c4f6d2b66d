// A binding's room is its own until its node has let go of it: not earlier, not twice, and not for ever.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;

namespace {

std::string one_cpu(std::string name, std::string image, std::string restart = "Never") {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name + R"(","spec":{"restartPolicy":")" + restart +
           R"(","containers":[{"name":"main","image":")" + image + R"(","resources":{"requests":{"cpu":"1"}}}]}})";
}

std::string with_port(std::string name, std::string image) {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
           R"(","spec":{"containers":[{"name":"main","image":")" + image +
           R"(","ports":[{"containerPort":80,"hostPort":8080}]}]}})";
}

awaitable<> delete_instance(sim::cluster& cluster, instance_id which) {
    auto const deleted = co_await cluster.api().instances().remove(caller(), which, any_revision);
    REQUIRE(deleted.has_value());
}

awaitable<stored<instance>> only_of(sim::cluster& cluster, workload_id owner) {
    instance_filter of{.workload = owner};
    auto const listed = co_await cluster.api().instances().list(caller(), of, page());
    REQUIRE(listed->rows.size() == 1);
    co_return listed->rows.front();
}

bool one_has_exited(std::vector<stored<instance>> const& rows) {
    return std::any_of(rows.begin(), rows.end(), [](auto const& row) {
        auto const& seen = row->status().containers;
        return !seen.empty() && seen.front().state == container_state::exited;
    });
}

bool one_has_succeeded(std::vector<stored<instance>> const& rows) {
    return std::any_of(rows.begin(), rows.end(),
                       [](auto const& row) { return row->state() == instance_state::succeeded; });
}

bool one_runs(std::vector<stored<instance>> const& rows) {
    return std::any_of(rows.begin(), rows.end(),
                       [](auto const& row) { return row->state() == instance_state::running; });
}

/// The last report of `a` that comes through says that its container has exited; then its node, which nobody hears,
/// starts it again.
awaitable<> deleted_unheard(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    sim::image_behaviour slow;
    slow.stop_time = 20s;
    cluster.node(0).set_behaviour("slow:1", slow);
    auto const first = co_await cluster.create(one_cpu("a", "slow:1", "Always"), 1);
    co_await cluster.until(sim::all_running(1));
    cluster.node(0).faults.removal_error = error{errc::conflict, "a mount is in use yet"};
    co_await cluster.power_off(0);
    co_await cluster.start_node(0);
    co_await cluster.until(one_has_exited);
    cluster.cut_link(0);
    cluster.node(0).faults = {};
    co_await world.time().sleep_for(10s);
    CHECK(cluster.node(0).running().size() == 1);
    auto const a = co_await only_of(cluster, first);
    co_await delete_instance(cluster, a->id());
    auto const condemned = co_await only_of(cluster, first);
    CHECK(condemned->occupies_room());
    auto const second = co_await cluster.create(one_cpu("b", "web:1"), 1);
    cluster.mend_link(0);
    co_await world.time().sleep_for(12s);  // a stops yet
    auto const b = co_await only_of(cluster, second);
    CHECK(b->is_pending());
    CHECK(cluster.node(0).running().size() == 1);
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// The container has exited by itself, its node is busy and has not let go of the host port.
awaitable<> deleted_while_it_ends(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    sim::image_behaviour brief;
    brief.runs_for = 2s;
    cluster.node(0).set_behaviour("brief:1", brief);
    auto const first = co_await cluster.create(with_port("a", "brief:1"), 1);
    co_await cluster.until(sim::all_running(1));
    cluster.node(0).faults.detach_error = error{errc::unavailable, "the firewall is being changed"};
    co_await cluster.until(one_has_exited);
    auto const a = co_await only_of(cluster, first);
    CHECK(cluster.node(0).attached().contains(a->id()));
    co_await delete_instance(cluster, a->id());
    auto const condemned = co_await only_of(cluster, first);
    CHECK(condemned->occupies_room());
    cluster.node(0).faults = {};
    co_await cluster.create(with_port("b", "web:1"), 1);
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// What has finished has given its room back: it is another's by the time that it is deleted, and goes on being so.
awaitable<> deleted_when_it_has_finished(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    sim::image_behaviour brief;
    brief.runs_for = 2s;
    cluster.node(0).set_behaviour("brief:1", brief);
    auto const first = co_await cluster.create(one_cpu("a", "brief:1"), 1);
    co_await cluster.until(one_has_succeeded);
    auto const finished = co_await only_of(cluster, first);
    CHECK_FALSE(finished->occupies_room());
    cluster.node(0).faults.removal_error = error{errc::conflict, "its logs are in use yet"};
    co_await delete_instance(cluster, finished->id());
    co_await world.time().sleep_for(5s);
    auto const condemned = co_await only_of(cluster, first);
    CHECK(condemned->is_condemned());
    CHECK_FALSE(condemned->occupies_room());

    auto const second = co_await cluster.create(one_cpu("b", "web:1"), 1);
    co_await cluster.until(one_runs);
    co_await cluster.crash_scheduler();
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    auto const third = co_await cluster.create(one_cpu("c", "web:1"), 1);
    co_await world.time().sleep_for(30s);
    auto const after = co_await only_of(cluster, first);
    CHECK_FALSE(after->occupies_room());
    auto const b = co_await only_of(cluster, second);
    CHECK(b->state() == instance_state::running);
    auto const c = co_await only_of(cluster, third);
    CHECK(c->is_pending());
    cluster.node(0).faults = {};
    co_await delete_instance(cluster, b->id());
    co_await cluster.until(sim::all_running(1));
    auto const c_runs = co_await only_of(cluster, third);
    CHECK(c_runs->state() == instance_state::running);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// A report that it has succeeded is on its way when it is deleted: what its node says is true, and it is not
/// remembered that the room was given back.
awaitable<> deleted_before_its_end_is_heard(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    sim::image_behaviour brief;
    brief.runs_for = 2s;
    cluster.node(0).set_behaviour("brief:1", brief);
    auto const first = co_await cluster.create(one_cpu("a", "brief:1"), 1);
    co_await cluster.until(sim::all_running(1));
    cluster.cut_link(0);
    co_await world.time().sleep_for(5s);
    auto const a = co_await only_of(cluster, first);
    co_await delete_instance(cluster, a->id());
    cluster.node(0).faults.removal_error = error{errc::conflict, "its logs are in use yet"};
    cluster.mend_link(0);
    co_await cluster.create(one_cpu("b", "web:1"), 1);
    co_await world.time().sleep_for(20s);
    auto const condemned = co_await only_of(cluster, first);
    CHECK(condemned->occupies_room());
    CHECK(cluster.node(0).running().empty());
    cluster.node(0).faults = {};
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(awaitable<> (*what)(sim::cluster&, sim::world&)) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        INFO("seed " << seed);
        sim::world world(seed);
        sim::cluster cluster(world, {.cpu_milli_per_node = 1000, .link_delay_max = 20ms, .flush_delay_max = 10ms});
        world.run(what(cluster, world));
    }
}

}  // namespace

TEST_CASE("a Pod that was deleted unheard keeps its room, whatever was last heard of it") { simulate(deleted_unheard); }
TEST_CASE("a Pod that is deleted while it ends keeps its host port until its node has let go of it") {
    simulate(deleted_while_it_ends);
}
TEST_CASE("a Pod that has finished takes no room a second time when it is deleted") {
    simulate(deleted_when_it_has_finished);
}
TEST_CASE("a Pod that was deleted before its end was heard keeps its room until it is gone") {
    simulate(deleted_before_its_end_is_heard);
}
