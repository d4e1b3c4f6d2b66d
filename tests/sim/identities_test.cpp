// Instances with identities, on machines that lose their power, are given up, and come back at the wrong moment.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;

namespace {

using scenario = awaitable<> (*)(sim::cluster&, sim::world&);
using rows = std::vector<stored<instance>>;

constexpr char const* db = R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{
    "replicas":1,"serviceName":"db","selector":{"matchLabels":{"app":"db"}},"template":{"metadata":{"labels":{"app":"db"}},
    "spec":{"containers":[{"name":"main","image":"db:1"}]}}}})";

awaitable<> apply(sim::cluster& cluster) {
    auto parsed = parse_definition(db);
    REQUIRE(parsed.found.empty());
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const made = co_await std::move(applying);
    REQUIRE(made.has_value());
}

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    co_await apply(cluster);
    co_await cluster.until(sim::all_running(1));
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(scenario what, std::size_t nodes = 1) {
    sim::world world(42);
    sim::cluster cluster(world, {.nodes = nodes});
    world.run(within(cluster, world, what), 24h);
}

awaitable<stored<instance>> the_one(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    REQUIRE(listed->rows.size() == 1);
    co_return listed->rows.front();
}

/// Of two, the node that has it.
awaitable<std::size_t> holder(sim::cluster& cluster) {
    auto const row = co_await the_one(cluster);
    auto const node = co_await cluster.api().nodes().get(caller(), row->binding()->node);
    REQUIRE(node.has_value());
    co_return (*node)->facts.name == "node-0" ? 0 : 1;
}

std::string name_of(std::size_t index) { return "node-" + std::to_string(index); }

awaitable<> until_unheard(sim::cluster& cluster, sim::world& world, std::size_t index) {
    for (int tries = 0; tries < 600; ++tries) {
        object_ref which(name_of(index));
        auto const node = co_await cluster.api().nodes().get(caller(), std::move(which));
        if (node && (*node)->state == node_state::unheard) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("the node is heard");
}

awaitable<> give_up(sim::cluster& cluster, sim::world& world, std::size_t index) {
    co_await until_unheard(cluster, world, index);
    object_ref which(name_of(index));
    auto const unconfirmed = co_await cluster.api().nodes().declare_dead(caller(), which, std::string());
    REQUIRE_FALSE(unconfirmed.has_value());
    CHECK(unconfirmed.error().message.find("db-0 must never run twice") != std::string::npos);
    auto const declared = co_await cluster.api().nodes().declare_dead(caller(), std::move(which), name_of(index));
    REQUIRE(declared.has_value());
    CHECK(declared->size() == 1);
}

/// Another one, of another uid, runs on the other node.
awaitable<> until_replaced(sim::cluster& cluster, std::size_t lost) {
    co_await cluster.until(sim::all_running(1));
    auto const at = co_await holder(cluster);
    CHECK(at != lost);
    CHECK(cluster.node(at).running().size() == 1);
}

/// It was off when it was given up. Its disk says that it has an instance, and nobody can tell it otherwise.
awaitable<> comes_back_alone(sim::cluster& cluster, sim::world& world) {
    auto const lost = co_await holder(cluster);
    co_await cluster.power_off(lost);
    co_await give_up(cluster, world, lost);
    co_await until_replaced(cluster, lost);
    cluster.cut_link(lost);
    co_await cluster.start_node(lost);
    co_await world.time().sleep_for(1h);
    CHECK(cluster.node(lost).running().empty());
    CHECK(cluster.node(lost).starts().size() == 1);
    cluster.mend_link(lost);
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(lost).occupied().empty());
    CHECK(cluster.node(lost).starts().size() == 1);
    auto const at = co_await holder(cluster);
    CHECK(at != lost);
}

/// No role does that.
awaitable<> started_by_hand(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await apply(cluster);
    co_await cluster.until(sim::all_running(1));
    auto const lost = co_await holder(cluster);
    auto const row = co_await the_one(cluster);
    co_await cluster.power_off(lost);
    co_await give_up(cluster, world, lost);
    co_await until_replaced(cluster, lost);
    CHECK(cluster.violations() == "");
    sandbox_request sandbox{.instance = row->id()};
    auto const made = co_await cluster.node(lost).create_sandbox(std::move(sandbox));
    CHECK(made.has_value());
    container_request container{.key = {row->id(), "main", 1}, .definition = row->spec().containers.front()};
    auto const started = co_await cluster.node(lost).start_container(std::move(container));
    CHECK(started.has_value());
    auto const& seen = cluster.violations();
    CHECK(seen.find("default/db-0 was started on " + name_of(lost) + " after it was given up there") != seen.npos);
    CHECK(seen.find("default/db-0 was started on " + name_of(lost) + " while it runs on " + name_of(1 - lost)) !=
          seen.npos);
}

/// To that scheduler nobody has said that the node was given up.
awaitable<> comes_back_to_an_old_scheduler(sim::cluster& cluster, sim::world& world) {
    auto const lost = co_await holder(cluster);
    co_await cluster.power_off(lost);
    cluster.leave_scheduler_behind();
    cluster.dial_old_scheduler(1 - lost, false);
    cluster.dial_old_scheduler(lost, true);
    co_await give_up(cluster, world, lost);
    co_await until_replaced(cluster, lost);
    co_await cluster.start_node(lost);
    co_await world.time().sleep_for(1h);
    CHECK(cluster.node(lost).running().empty());
    co_await cluster.stop_old_scheduler();
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(lost).occupied().empty());
    CHECK(cluster.node(lost).starts().size() == 1);
}

/// It ran on, as nobody could tell it; then its machine lost its power.
awaitable<> given_up_by_mistake(sim::cluster& cluster, sim::world& world) {
    auto const lost = co_await holder(cluster);
    cluster.cut_link(lost);
    co_await give_up(cluster, world, lost);
    co_await until_replaced(cluster, lost);
    CHECK(cluster.node(lost).running().size() == 1);
    co_await cluster.power_off(lost);
    co_await cluster.start_node(lost);
    co_await world.time().sleep_for(1h);
    CHECK(cluster.node(lost).running().empty());
    cluster.mend_link(lost);
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(lost).occupied().empty());
}

/// Its primary comes back after it, and after its scheduler.
awaitable<> waits_for_its_primary(sim::cluster& cluster, sim::world& world) {
    for (std::size_t boots = 1; boots <= 3; ++boots) {
        CHECK(cluster.node(0).starts().size() == boots);
        co_await cluster.crash_primary();
        co_await cluster.power_off(0);
        co_await cluster.start_node(0);
        co_await world.time().sleep_for(1min);
        if (boots == 2) co_await cluster.crash_scheduler();
        if (boots == 2) co_await cluster.start_scheduler();
        co_await world.time().sleep_for(1min);
        CHECK(cluster.node(0).running().empty());
        auto const before = world.time().now();
        co_await cluster.start_primary();
        std::function<bool(rows const&)> runs = [&](rows const& all) {
            return sim::all_running(1)(all) && cluster.node(0).running().size() == 1;
        };
        co_await cluster.until(std::move(runs));
        CHECK(world.time().now() - before < 15s);
    }
}

/// All know this boot: the primary by its disk, the scheduler by the primary.
awaitable<> known_boot(sim::cluster& cluster, sim::world& world) {
    co_await cluster.crash_node(0);
    auto const row = co_await the_one(cluster);
    auto const stopped = co_await cluster.node(0).remove_sandbox(row->id());
    CHECK(stopped.has_value());
    co_await cluster.crash_primary();
    co_await cluster.crash_scheduler();
    co_await cluster.start_node(0);  // it has begun in this boot
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 1);
    CHECK(cluster.node(0).starts().size() == 2);
    co_await cluster.start_scheduler();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).starts().size() == 2);
}

/// Its node has not heard of it when the machine loses its power: its order names a boot that is over.
awaitable<> bound_to_an_old_boot(sim::cluster& cluster, sim::world& world) {
    auto const first = co_await the_one(cluster);
    auto const removed = co_await cluster.api().instances().remove(caller(), first->id(), any_revision);
    REQUIRE(removed.has_value());
    std::function<bool(rows const&)> is_bound_anew = [&](rows const& all) {
        return all.size() == 1 && all[0]->id() != first->id() && all[0]->is_bound();
    };
    co_await cluster.until(std::move(is_bound_anew));
    co_await cluster.power_off(0);
    co_await cluster.crash_primary();
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().empty());
    co_await cluster.start_primary();
    co_await cluster.until(sim::all_running(1));
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 1);
}

}  // namespace

TEST_CASE("the checkers see what runs twice as the same, and what comes back from a machine that was given up") {
    sim::world world(42);
    sim::cluster cluster(world, {.nodes = 2});
    world.run(started_by_hand(cluster, world));
}
TEST_CASE("a machine that was off when it was given up starts nothing of before, and removes it when it is told") {
    simulate(comes_back_alone, 2);
}
TEST_CASE("a scheduler that was left behind cannot permit what was given up meanwhile") {
    simulate(comes_back_to_an_old_scheduler, 2);
}
TEST_CASE("what runs on because its node was given up by mistake ends with the machine's power") {
    simulate(given_up_by_mistake, 2);
}
TEST_CASE("after a reboot an instance with an identity waits for the primary, and starts when it is back") {
    simulate(waits_for_its_primary);
}
TEST_CASE("in the same boot an instance with an identity goes on without primary and scheduler") {
    simulate(known_boot);
}
TEST_CASE("an order for a boot that is over starts nothing with an identity") { simulate(bound_to_an_old_boot); }
