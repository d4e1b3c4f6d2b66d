// What the controller of DaemonSets decides.
#include <rik/controllers/controller.hpp>

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

managed_workload daemons(std::size_t nodes) {
    managed_workload made(workload_kind::daemon_set, 1);
    for (std::size_t i = 0; i < nodes; ++i) made.add_node("n" + std::to_string(i));
    return made;
}

managed_workload settled(std::size_t nodes) {
    auto made = daemons(nodes);
    made.carry_out(made.plan());
    return made;
}

seen_instance& on(managed_workload& in, std::size_t node) {
    for (auto& each : in.instances())
        if (each.node == in.nodes()[node].id || each.meant_for == in.nodes()[node].id) return each;
    throw std::runtime_error("there is none");
}

std::set<instance_id> removed(workload_plan const& plan) {
    std::set<instance_id> ids;
    for (auto const& each : plan.removals) ids.insert(each.instance);
    return ids;
}

int rounds_until_rest(managed_workload& of) {
    for (int rounds = 0; rounds < 1000; ++rounds) {
        auto const plan = of.plan();
        if (plan.changes_nothing()) return rounds;
        of.carry_out(plan);
    }
    return -1;
}

void taint_node(node& on, std::string key, taint_effect effect) { on.standing.taints = {{std::move(key), "", effect}}; }

}  // namespace

TEST_CASE("a DaemonSet makes one instance for each node", "[controllers]") {
    auto set = daemons(3);
    auto const plan = set.plan();
    REQUIRE(plan.creations.size() == 3);
    std::set<node_id> meant;
    for (auto const& each : plan.creations) {
        CHECK(each.release == set.current());
        CHECK_FALSE(each.index);
        meant.insert(each.node.value());
    }
    CHECK(meant.size() == 3);
    CHECK(plan.progress.wanted == 3);
    set.carry_out(plan);
    CHECK(set.plan().changes_nothing());
    CHECK(set.plan().progress.is_complete);
}

TEST_CASE("a node that comes gets one, and one of a node that has gone is removed", "[controllers]") {
    auto set = settled(2);
    auto const gone = on(set, 0).id;
    set.nodes().pop_front();
    auto const fresh = set.add_node("new").id;
    auto const plan = set.plan();
    CHECK(removed(plan) == std::set<instance_id>{gone});
    CHECK(plan.removals[0].why == "Its node is gone.");
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].node == fresh);
}

TEST_CASE("a node that is not heard keeps what it has, and gets nothing", "[controllers]") {
    auto set = settled(2);
    set.nodes()[0].state = node_state::unheard;
    on(set, 0).is_ready = false;
    set.add_node("new").state = node_state::unheard;
    CHECK(set.plan().changes_nothing());
}

TEST_CASE("nodes are chosen by name, labels and taints", "[controllers]") {
    auto set = daemons(1);
    auto& only = set.nodes()[0];
    auto& spec = set.definition().spec;
    auto const place = [&] { return place_of_daemon(only, spec); };
    CHECK(place().is_eligible());
    spec.node_name = "other";
    CHECK(place().refusal == "another node is asked for");
    spec.node_name = "n0";
    CHECK(place().is_eligible());
    spec.node_selector = {{"disk", "ssd"}};
    CHECK_FALSE(place().is_eligible());
    CHECK_FALSE(place().may_stay);
    only.labels = {{"disk", "ssd"}};
    CHECK(place().is_eligible());
    taint_node(only, "gpu", taint_effect::no_schedule);
    CHECK_FALSE(place().is_eligible());
    CHECK(place().may_stay);
    taint_node(only, "gpu", taint_effect::no_execute);
    CHECK_FALSE(place().may_stay);
    taint_node(only, "gpu", taint_effect::prefer_no_schedule);
    CHECK(place().is_eligible());
    taint_node(only, "gpu", taint_effect::no_execute);
    spec.tolerations = {{"gpu", toleration_operator::exists}};
    CHECK(place().is_eligible());
    only.standing.is_dead = true;
    CHECK_FALSE(place().is_eligible());
}

TEST_CASE("a DaemonSet tolerates troubles of nodes, and a cordon", "[controllers]") {
    auto set = daemons(1);
    auto& only = set.nodes()[0];
    auto& spec = set.definition().spec;
    only.standing.is_cordoned = true;
    for (auto const* key : {"disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"}) {
        taint_node(only, std::string("node.kubernetes.io/") + key, taint_effect::no_schedule);
        CHECK(place_of_daemon(only, spec).is_eligible());
    }
    for (auto const* key : {"not-ready", "unreachable"}) {
        taint_node(only, std::string("node.kubernetes.io/") + key, taint_effect::no_execute);
        CHECK(place_of_daemon(only, spec).is_eligible());
    }
    taint_node(only, "node.kubernetes.io/network-unavailable", taint_effect::no_schedule);
    CHECK_FALSE(place_of_daemon(only, spec).is_eligible());
    spec.has_host_network = true;
    CHECK(place_of_daemon(only, spec).is_eligible());
}

TEST_CASE("a DaemonSet leaves out a node that says that it lacks the runtime", "[controllers]") {
    auto set = daemons(2);
    auto& spec = set.definition().spec;
    auto& lacking = set.nodes()[0];
    lacking.facts.missing_runtimes = {{"microvm", "no kernel"}};
    CHECK(place_of_daemon(lacking, spec).is_eligible());
    spec.form = instance_form::function;
    CHECK_FALSE(place_of_daemon(lacking, spec).is_eligible());
    CHECK(place_of_daemon(lacking, spec).may_stay);
    CHECK(place_of_daemon(set.nodes()[1], spec).is_eligible());
    auto const plan = set.plan();
    CHECK(plan.creations.size() == 1);
    CHECK(plan.progress.wanted == 1);
}

TEST_CASE("what runs goes on under a taint NoSchedule, and goes under NoExecute", "[controllers]") {
    auto set = settled(1);
    taint_node(set.nodes()[0], "gpu", taint_effect::no_schedule);
    auto plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.progress.wanted == 0);
    CHECK(plan.progress.misplaced == 1);
    taint_node(set.nodes()[0], "gpu", taint_effect::no_execute);
    plan = set.plan();
    REQUIRE(plan.removals.size() == 1);
    CHECK(plan.removals[0].why == "On node n0 there is to be none: it has a taint that is not tolerated.");
}

TEST_CASE("nothing is started beside one that is leaving", "[controllers]") {
    auto set = settled(1);
    on(set, 0).is_leaving = true;
    CHECK(set.plan().creations.empty());
    set.instances().clear();
    CHECK(set.plan().creations.size() == 1);
}

TEST_CASE("of several on one node the oldest stays that is available", "[controllers]") {
    auto set = settled(1);
    auto const first = on(set, 0).id;
    set.pass(1s);
    auto& second = set.add(set.current());
    second.node = set.nodes()[0].id;
    auto const plan = set.plan();
    CHECK(removed(plan) == std::set<instance_id>{second.id});
    CHECK(plan.removals[0].why == "There is another one on node n0.");
    CHECK_FALSE(removed(plan).contains(first));
    on(set, 0).is_ready = false;
    CHECK(removed(set.plan()) == std::set<instance_id>{first});
}

TEST_CASE("one that has failed is made again after growing pauses", "[controllers]") {
    auto set = settled(1);
    std::vector<duration> pauses;
    for (int i = 0; i < 7; ++i) {
        auto& running = *std::ranges::find_if(set.instances(),
                                              [](auto const& each) { return each.state == instance_state::running; });
        running.state = instance_state::failed;
        running.is_ready = false;
        running.state_since = set.now();
        auto const start = set.now();
        auto plan = set.plan();
        CHECK(plan.creations.empty());
        REQUIRE(plan.look_again);
        set.carry_out(plan);
        set.pass(*plan.look_again - start);
        pauses.push_back(set.now() - start);
        plan = set.plan();
        CHECK(plan.creations.size() == 1);
        set.carry_out(plan);
        CHECK(set.instances().size() <= 6);
    }
    CHECK(pauses == std::vector<duration>{1s, 4s, 16s, 64s, 256s, 256s, 256s});
    set.pass(10min);
    set.carry_out(set.plan());
    CHECK(set.instances().size() == 1);
}

TEST_CASE("a rolling update takes no more nodes than it may", "[controllers]") {
    auto set = settled(5);
    set.upkeep().max_unavailable = {2};
    auto const next = set.add_release();
    auto plan = set.plan();
    CHECK(plan.removals.size() == 2);
    CHECK(plan.removals[0].why == "It is of an older release.");
    CHECK(plan.creations.empty());
    for (auto const& each : plan.removals) set.remove(each);
    CHECK(set.plan().changes_nothing());
    std::erase_if(set.instances(), [](auto const& each) { return each.is_leaving; });
    plan = set.plan();
    CHECK(plan.creations.size() == 2);
    CHECK(plan.removals.empty());
    for (auto const& each : plan.creations) set.create(each);
    CHECK(set.plan().changes_nothing());  // until they are available
    for (auto& each : set.instances()) {
        each.state = instance_state::running;
        each.is_ready = true;
    }
    CHECK(rounds_until_rest(set) > 0);
    CHECK(std::ranges::all_of(set.instances(), [&](auto const& each) { return each.made_from == next; }));
    CHECK(set.plan().progress.is_complete);
}

TEST_CASE("a percentage of nodes is rounded up", "[controllers]") {
    auto set = settled(5);
    set.upkeep().max_unavailable = {30, true};
    set.add_release();
    CHECK(set.plan().removals.size() == 2);
}

TEST_CASE("an old one that is not available is replaced, whatever else is going on", "[controllers]") {
    auto set = settled(4);
    on(set, 1).is_ready = false;
    on(set, 3).is_ready = false;
    set.add_release();
    CHECK(removed(set.plan()) == std::set<instance_id>{on(set, 1).id, on(set, 3).id});
}

TEST_CASE("a node that is not heard does not hold up a rollout", "[controllers]") {
    auto set = settled(3);
    set.nodes()[0].state = node_state::unheard;
    on(set, 0).is_ready = false;
    set.add_release();
    auto const plan = set.plan();
    REQUIRE(plan.removals.size() == 1);
    CHECK(plan.removals[0].instance != on(set, 0).id);
}

TEST_CASE("with surge the new one is there before the old one goes", "[controllers]") {
    auto set = settled(3);
    set.upkeep().max_unavailable = {0};
    set.upkeep().max_surge = {1};
    auto const old = set.current();
    set.add_release();
    auto plan = set.plan();
    CHECK(plan.removals.empty());
    REQUIRE(plan.creations.size() == 1);
    auto& fresh = set.create(plan.creations[0]);
    CHECK(set.plan().changes_nothing());
    fresh.state = instance_state::running;
    fresh.is_ready = true;
    fresh.ready_since = set.now();
    plan = set.plan();
    REQUIRE(plan.removals.size() == 1);
    CHECK(set.find(plan.removals[0].instance)->made_from == old);
    CHECK(plan.removals[0].why.starts_with("A new one is on node "));
    CHECK(rounds_until_rest(set) > 0);
    CHECK(set.instances().size() == 3);
    CHECK(set.plan().progress.is_complete);
}

TEST_CASE("with surge an old one that is not ready goes as soon as there is a new one", "[controllers]") {
    auto set = settled(1);
    set.upkeep().max_unavailable = {0};
    set.upkeep().max_surge = {1};
    on(set, 0).is_ready = false;
    auto const old = on(set, 0).id;
    set.add_release();
    auto const plan = set.plan();
    REQUIRE(plan.creations.size() == 1);
    set.create(plan.creations[0]);
    CHECK(removed(set.plan()) == std::set<instance_id>{old});
}

TEST_CASE("with OnDelete nothing is replaced before it is deleted", "[controllers]") {
    auto set = settled(2);
    set.upkeep().policy = update_policy::on_delete;
    auto const next = set.add_release();
    CHECK(set.plan().changes_nothing());
    set.instances().pop_back();
    auto const plan = set.plan();
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].release == next);
}

TEST_CASE("a DaemonSet adopts what matches on a node", "[controllers]") {
    auto set = daemons(1);
    string_map const matching{{"app", "agent"}};
    set.upkeep().selector = {{{"app", label_requirement::relation::exists}}};
    auto& stranger = set.add(set.id<release_tag>());
    stranger.node = set.nodes()[0].id;
    stranger.is_own = false;
    stranger.labels = &matching;
    auto const plan = set.plan();
    REQUIRE(plan.adopted.size() == 1);
    CHECK_FALSE(plan.adopted[0].index);
    CHECK(plan.creations.empty());
}

TEST_CASE("one that belongs to no node is removed", "[controllers]") {
    auto set = daemons(1);
    auto& lost = set.add(set.current(), false);
    lost.node = std::nullopt;
    CHECK(removed(set.plan()) == std::set<instance_id>{lost.id});
}
