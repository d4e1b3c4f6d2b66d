// Roles whose start has failed, or never came, are destroyed without further ado.
#include <rik/cluster.hpp>
#include <rik/link/local_link.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/sim/cluster.hpp>
#include <rik/sim/faulty_disk.hpp>
#include <rik/store/tables.hpp>

#include <support/catch.hpp>

#include "node_support.hpp"

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"containers":[{"name":"main","image":"main:1"}]}})";

error const broken{errc::internal, "/proc could not be read"};

/// It has Pods to take over; what it began with is written or undone.
awaitable<> node_fails(node_site& site, std::optional<error> sim::machine_faults::*fault) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.machine_under.faults.*fault = broken;
    for (int i = 0; i < 3; ++i) {
        auto const started = co_await site.try_start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().message == broken.message);
        site.discard();  // asserts that nothing of it runs
    }
    CHECK(site.machine_under.running().size() == 1);
    site.machine_under.faults = {};
    co_await site.start();
    co_await site.until_state(id, instance_state::running);
    CHECK(site.start_count(id) == 1);
}

/// Its first start: the id of the node is made, and lasts or not.
awaitable<> first_start_fails(node_site& site) {
    site.machine_under.faults.describe_error = broken;
    auto const started = co_await site.try_start();
    REQUIRE_FALSE(started.has_value());
    site.discard();
    site.machine_under.faults = {};
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
}

awaitable<> node_disk_fails(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    co_await cluster.crash_node(0);
    cluster.node(0).faults.disk_error = broken;
    auto const started = co_await cluster.try_start_node(0);
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().message == broken.message);
    cluster.node(0).faults = {};
    co_await cluster.start_node(0);
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

awaitable<> primary_fails(sim::world& world) {
    local_primary_edge edge(world.executor());
    local_streams streams(world.executor());
    auto const contents = std::make_shared<memory_disk>();
    sim::faulty_disk disk(world, contents);
    primary_ports const ports{world.time(), world.random(), disk, edge, streams};
    primary never_started(world.executor(), ports, primary_options());
    disk.fail(broken);
    primary no_disk(world.executor(), ports, primary_options());
    auto const unread = co_await no_disk.start();
    REQUIRE_FALSE(unread.has_value());
    CHECK(unread.error().message == broken.message);
}

/// The disk fails in the middle of the start, when it is read and its first row is to be written.
awaitable<> primary_fails_later(sim::world& world) {
    local_primary_edge edge(world.executor());
    local_streams streams(world.executor());
    sim::faulty_disk disk(world, std::make_shared<memory_disk>());
    disk.flush_time = 1s;
    std::optional<error> fault;
    disk.fail_with(fault);
    primary_ports const ports{world.time(), world.random(), disk, edge, streams};
    primary half_opened(world.executor(), ports, primary_options());
    task_group breaking(world.executor());
    auto break_it = [](sim::world& in, std::optional<error>& into) -> awaitable<> {
        co_await in.time().sleep_for(100ms);
        into = broken;
    };
    breaking.spawn(break_it(world, fault));
    auto const started = co_await half_opened.start();
    REQUIRE_FALSE(started.has_value());
    co_await breaking.join();
}

awaitable<> cluster_fails(sim::world& world, std::optional<error> sim::machine_faults::*fault) {
    sim::machine machine(world.executor(), world.time(), {.name = "node", .boot_id = {}, .version = "sim"});
    sim::faulty_disk primary_disk(world, std::make_shared<memory_disk>());
    sim::faulty_disk node_disk(world, std::make_shared<memory_disk>());
    cluster_ports const ports{world.time(), world.random(), primary_disk, node_disk, machine,
                              machine,      machine,        machine,      machine};
    rik::cluster const never_started(world.executor(), ports, rik::cluster_options());
    node_disk.fail_with(machine.faults.disk_error);
    machine.faults.*fault = broken;
    rik::cluster inner(world.executor(), ports, rik::cluster_options());
    auto const started = co_await inner.start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().message == broken.message);
}

void never_start(sim::world& world) {
    local_primary_edge primaries(world.executor());
    local_node_edge nodes(world.executor());
    scheduler const idle(world.executor(), {world.time(), primaries, nodes}, {});
    sim::cluster const all(world, {});
}

}  // namespace

TEST_CASE("a node agent that cannot read its machine is destroyed quietly, and the next takes over", "[sim][node]") {
    for (auto const fault : {&sim::machine_faults::describe_error, &sim::machine_faults::list_error}) {
        sim::world world(7);
        node_site site(world);
        world.run(node_fails(site, fault));
    }
    sim::world world(7);
    node_site site(world);
    world.run(first_start_fails(site));
}

TEST_CASE("a node agent that cannot read its disk is destroyed quietly, and the next takes over", "[sim][node]") {
    sim::world world(7);
    sim::cluster cluster(world, {});
    world.run(node_disk_fails(cluster, world));
}

TEST_CASE("a primary that cannot start is destroyed quietly", "[sim][primary]") {
    sim::world world(7);
    world.run(primary_fails(world));
    world.run(primary_fails_later(world));
}

TEST_CASE("a cluster whose node cannot start is destroyed quietly", "[sim]") {
    for (auto const fault :
         {&sim::machine_faults::describe_error, &sim::machine_faults::list_error, &sim::machine_faults::disk_error}) {
        sim::world world(7);
        world.run(cluster_fails(world, fault));
    }
}

TEST_CASE("roles that were never started are destroyed quietly", "[sim]") {
    sim::world world(7);
    never_start(world);
}
