// What is given up, and what is not, while nodes are not heard: because no scheduler is there, none of them is heard,
// or one is really lost. On the real roles in virtual time.
#include <sim/scenario.hpp>
#include <sim/told_events.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t count = 6;

/// A Deployment in RIK's form, so that an instance on a node that is not heard is replaced after 30 s.
awaitable<workload_id> running(sim::cluster& cluster) {
    auto applying = apply(
        cluster, R"({"apiVersion":"v1","kind":"Deployment","name":"web","replicas":6,)"
                 R"("template":{"labels":{"app":"web"},"spec":{"containers":[{"name":"main","image":"web:1"}]}}})");
    auto const made = co_await std::move(applying);
    co_await cluster.until(sim::all_running(count));
    co_return made.row->id;
}

std::set<instance_id> ids(rows const& all) {
    std::set<instance_id> found;
    for (auto const& row : all)
        if (!row->is_condemned()) found.insert(row->id());
    return found;
}

bool is_given_up(rows const& all) {
    return std::ranges::any_of(all, [](auto const& row) { return row->is_condemned(); });
}

awaitable<std::string> held_up(sim::cluster& cluster, workload_id which) {
    object_ref by_id(which);
    auto const told = co_await cluster.api().workloads().story(caller(), std::move(by_id));
    REQUIRE(told.has_value());
    co_return told->progress ? told->progress->held_up : std::string();
}

bool says(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Nothing was given up, all runs, and nothing waits for a person.
awaitable<> check_untouched(sim::cluster& cluster, sim::world& world, workload_id which, std::set<instance_id> before) {
    co_await world.time().sleep_for(2min);
    auto const after = co_await instances(cluster);
    CHECK(sim::all_running(count)(after));
    CHECK(ids(after) == before);
    CHECK(co_await held_up(cluster, which) == "");
    auto const stop = co_await cluster.api().upkeep().find_replacement_stop(caller());
    REQUIRE(stop.has_value());
    CHECK_FALSE(*stop);
}

awaitable<> scheduler_is_away(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster);
    auto const before = ids(co_await instances(cluster));
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(10min);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    CHECK(says(co_await held_up(cluster, web),
               "6 instances on nodes that are not heard are not replaced, because no "
               "scheduler is connected"));
    co_await cluster.start_scheduler();
    co_await check_untouched(cluster, world, web, before);
}

awaitable<> both_are_away(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster);
    auto const before = ids(co_await instances(cluster));
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(1min);
    co_await cluster.crash_primary();
    co_await world.time().sleep_for(1min);
    co_await cluster.start_primary();
    co_await world.time().sleep_for(3min);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    CHECK(says(co_await held_up(cluster, web), "no scheduler is connected"));
    co_await cluster.start_scheduler();
    co_await check_untouched(cluster, world, web, before);
}

/// It is as dead as it was before, but nobody has listened: it gets the whole time again.
awaitable<> a_node_is_lost_meanwhile(sim::cluster& cluster, sim::world& world) {
    (void)co_await running(cluster);
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(20s);
    co_await cluster.power_off(0);
    co_await world.time().sleep_for(3min);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    co_await cluster.start_scheduler();
    co_await world.time().sleep_for(25s);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    co_await cluster.until(is_given_up, 1min);  // nodes dial again after a pause that has grown
    condition const are_elsewhere = [](rows const& all) {
        return std::ranges::count_if(all, [](auto const& row) { return row->status().ready; }) == 6;
    };
    co_await cluster.until(are_elsewhere);
}

/// The node was given a time before; that the scheduler goes lengthens it.
awaitable<> a_node_is_lost_before(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster);
    co_await cluster.power_off(0);
    co_await world.time().sleep_for(25s);
    CHECK(says(co_await held_up(cluster, web), "it is given up at"));
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(3min);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    co_await world.time().sleep_for(25s);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    co_await cluster.until(is_given_up, 1min);
}

/// The network of all nodes is cut, and comes back node by node.
awaitable<> no_node_is_heard(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster);
    auto const before = ids(co_await instances(cluster));
    for (std::size_t i = 0; i < cluster.node_count(); ++i) cluster.cut_link(i);
    co_await world.time().sleep_for(5min);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    CHECK(says(co_await held_up(cluster, web), "because no node at all is heard"));
    for (std::size_t i = 0; i < cluster.node_count(); ++i) {
        cluster.mend_link(i);
        co_await world.time().sleep_for(15s);
    }
    co_await check_untouched(cluster, world, web, before);
}

awaitable<> one_stays_away(sim::cluster& cluster, sim::world& world) {
    (void)co_await running(cluster);
    for (std::size_t i = 0; i < cluster.node_count(); ++i) cluster.cut_link(i);
    co_await world.time().sleep_for(5min);
    cluster.mend_link(1);
    co_await world.time().sleep_for(25s);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    co_await cluster.until(is_given_up, 1min);
    cluster.mend_link(0);
    co_await cluster.until(sim::all_running(count));
}

/// Nothing will ever take its place, and a person ought to know why.
awaitable<> it_is_tolerated_for_ever(sim::cluster& cluster, sim::world& world) {
    auto applying =
        apply(cluster, R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":6,)"
                       R"("selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)"
                       R"("spec":{"tolerations":[{"key":"node.kubernetes.io/unreachable","operator":"Exists",)"
                       R"("effect":"NoExecute"}],"containers":[{"name":"main","image":"web:1"}]}}}})");
    auto const made = co_await std::move(applying);
    co_await cluster.until(sim::all_running(count));
    co_await cluster.power_off(0);
    co_await world.time().sleep_for(1h);
    CHECK_FALSE(is_given_up(co_await instances(cluster)));
    auto const why = co_await held_up(cluster, made.row->id);
    CHECK(says(why,
               "(and 2 more): its template tolerates that, so nothing takes its place until the node is back; if the "
               "node is lost for good: rikctl node declare-dead node-0"));
}

awaitable<bool> was_told(sim::cluster& cluster, std::string reason, std::string part) {
    auto const told = co_await told_events(cluster);
    co_return std::ranges::any_of(told,
                                  [&](auto const& each) { return each.reason == reason && says(each.message, part); });
}

/// What waits for a node names it: when it is asked for, and when somebody asks again.
awaitable<> a_deletion_waits(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster);
    co_await cluster.power_off(0);
    co_await world.time().sleep_for(15s);
    auto const removed = co_await cluster.api().workloads().remove(caller(), web, any_revision);
    REQUIRE(removed.has_value());
    std::string const where =
        "is on node node-0, which is not heard: it goes when the node is back; if the node is lost for "
        "good: rikctl node declare-dead node-0";
    CHECK(co_await was_told(cluster, "Deleting", "a user deletes it with 6 instances, and web-"));
    CHECK(co_await was_told(cluster, "Deleting", where));
    auto const again = co_await cluster.api().upkeep().scale(caller(), web, 2, any_revision);
    REQUIRE(again.has_error());
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Deployment","name":"web","template":{"spec":{"containers":[{"name":"a","image":"x"}]}}})");
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const applied = co_await std::move(applying);
    REQUIRE(applied.has_error());
    CHECK(says(applied.error().message, where));
    co_await cluster.start_node(0);
    co_await cluster.until(sim::none_left);
}

/// That something ended by itself is why another one is made.
awaitable<> an_end_is_told(sim::cluster& cluster, sim::world&) {
    auto applying = apply(
        cluster,
        R"({"apiVersion":"v1","kind":"Deployment","name":"web","replicas":1,"template":{"spec":{"volumes":[{"name":"scratch",)"
        R"("emptyDir":{"sizeLimit":"1Mi"}}],"containers":[{"name":"main","image":"web:1","volumeMounts":[)"
        R"({"name":"scratch","mountPath":"/scratch"}]}]}}})");
    auto const made = co_await std::move(applying);
    co_await cluster.until(sim::all_running(1));
    sim::image_behaviour writer;
    writer.volume_bytes = 2 << 20;
    cluster.node(0).set_behaviour(writer);
    condition const is_over = [](rows const& all) { return is_finished(all.front()->state()); };
    co_await cluster.until(is_over);
    cluster.node(0).set_behaviour({});
    condition const is_replaced = [](rows const& all) {
        return std::ranges::any_of(all, [](auto const& row) { return row->status().ready; });
    };
    co_await cluster.until(is_replaced);
    CHECK(co_await was_told(cluster, "InstancesLeft", "it has failed (Evicted): volume scratch holds 2Mi"));
    object_ref by_id(made.row->id);
    auto const told = co_await cluster.api().workloads().story(caller(), std::move(by_id));
    REQUIRE(told.has_value());
    CHECK(std::ranges::any_of(told->steps, [](auto const& each) { return says(each.what, "(Evicted)"); }));
}

}  // namespace

TEST_CASE("while no scheduler is there nothing is given up, however long that lasts", "[sim][absence]") {
    for (std::size_t nodes = 1; nodes <= 4; ++nodes) simulate(scheduler_is_away, nodes);
}
TEST_CASE("a primary that is started while no scheduler is there gives nothing up", "[sim][absence]") {
    for (std::size_t nodes = 1; nodes <= 4; ++nodes) simulate(both_are_away, nodes);
}
TEST_CASE("a node that is lost while no scheduler is there is given up when it is back", "[sim][absence]") {
    simulate(a_node_is_lost_meanwhile, 2);
    simulate(a_node_is_lost_meanwhile, 3);
}
TEST_CASE("a node that was lost before gets its time again when the scheduler is back", "[sim][absence]") {
    simulate(a_node_is_lost_before, 2);
    simulate(a_node_is_lost_before, 3);
}
TEST_CASE("while no node at all is heard nothing is given up", "[sim][absence]") {
    simulate(no_node_is_heard, 1);
    simulate(no_node_is_heard, 2);
}
TEST_CASE("a node that stays away when others are heard again is given up", "[sim][absence]") {
    simulate(one_stays_away, 2);
}
TEST_CASE("an instance that tolerates for ever that its node is not heard says so", "[sim][absence]") {
    simulate(it_is_tolerated_for_ever, 2);
}
TEST_CASE("a deletion that waits for a node that is not heard names it", "[sim][absence]") {
    simulate(a_deletion_waits, 2);
}
TEST_CASE("an instance that ends by itself is in the story of its workload", "[sim][absence]") {
    sim::world world(42);
    sim::cluster_options options;
    options.is_checked = false;  // for the checkers an eviction is a fault
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, an_end_is_told));
}
