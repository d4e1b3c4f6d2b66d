// What operators do with nodes: cordon, label, taint, drain, remove, declare dead.
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

constexpr char const* job = R"({"apiVersion":"v1","kind":"Pod","name":"job",
    "spec":{"containers":[{"name":"main","image":"brief:1"}]}})";

using scenario = awaitable<> (*)(sim::cluster&, sim::world&);
using rows = std::vector<stored<instance>>;

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(scenario what, std::size_t nodes = 1) {
    sim::world world(42);
    sim::cluster cluster(world, {.nodes = nodes});
    world.run(within(cluster, world, what));
}

std::string pod(std::string const& name, std::string const& more = "") {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
           R"(","spec":{"containers":[{"name":"main","image":"web:1")" + more + "}]}}";
}

awaitable<rows> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return listed->rows;
}

awaitable<stored<node>> node_of(sim::cluster& cluster, std::string name) {
    object_ref which(std::move(name));
    auto const found = co_await cluster.api().nodes().get(caller(), std::move(which));
    REQUIRE(found.has_value());
    co_return *found;
}

awaitable<> change(sim::cluster& cluster, std::string name, node_change what) {
    object_ref which(std::move(name));
    auto const changed =
        co_await cluster.api().nodes().update(caller(), std::move(which), std::move(what), any_revision);
    REQUIRE(changed.has_value());
}

awaitable<> set_cordoned(sim::cluster& cluster, std::string name, bool is_cordoned) {
    node_change what{.is_cordoned = is_cordoned};
    co_await change(cluster, std::move(name), std::move(what));
}

awaitable<> set_taint(sim::cluster& cluster, std::string name, std::string text) {
    node_change what;
    what.taints.push_back(parse_taint_change(text).value());
    co_await change(cluster, std::move(name), std::move(what));
}

awaitable<result<drain_report>> drain(sim::cluster& cluster, std::string name, drain_options how) {
    object_ref which(std::move(name));
    return cluster.api().nodes().drain(caller(), std::move(which), how);
}

awaitable<result<void>> remove(sim::cluster& cluster, std::string name) {
    object_ref which(std::move(name));
    return cluster.api().nodes().remove(caller(), std::move(which), any_revision);
}

awaitable<result<rows>> declare_dead(sim::cluster& cluster, std::string name, std::string confirmation) {
    object_ref which(std::move(name));
    return cluster.api().nodes().declare_dead(caller(), std::move(which), std::move(confirmation));
}

awaitable<> wait_for_state(sim::cluster& cluster, sim::world& world, std::string name, node_state state) {
    for (int seconds = 0; seconds < 120; ++seconds) {
        auto const now = co_await node_of(cluster, name);
        if (now->state == state) co_return;
        co_await world.time().sleep_for(1s);
    }
    FAIL("the node does not come into this state");
}

/// Waits until it may be used again.
awaitable<> wait_until_cleared(sim::cluster& cluster, sim::world& world, std::string name) {
    for (int seconds = 0; seconds < 120; ++seconds) {
        auto const now = co_await node_of(cluster, name);
        if (!now->standing.is_dead) co_return;
        co_await world.time().sleep_for(1s);
    }
    FAIL("the node is not cleared");
}

bool waits_for(rows const& all, std::string_view reason) {
    return std::ranges::any_of(all, [&](auto const& row) {
        return row->is_pending() && row->status().message.find(reason) != std::string::npos;
    });
}

/// Waits until something waits for `reason`.
awaitable<> until_waiting(sim::cluster& cluster, std::string reason) {
    std::function<bool(rows const&)> const waits = [reason](rows const& all) { return waits_for(all, reason); };
    co_await cluster.until(waits);
}

bool one_has_succeeded(rows const& all) {
    return std::ranges::any_of(all, [](auto const& row) { return row->state() == instance_state::succeeded; });
}

awaitable<> cordoned(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(pod("before"), 1);
    co_await cluster.until(sim::all_running(1));
    co_await set_cordoned(cluster, "node-0", true);
    co_await cluster.create(pod("web"), 1);
    co_await until_waiting(cluster, "node is cordoned (1 node: node-0)");
    CHECK(cluster.node(0).running().size() == 1);  // what is there stays
    co_await cluster.crash_scheduler();
    co_await cluster.start_scheduler();
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await until_waiting(cluster, "node is cordoned (1 node: node-0)");
    co_await set_cordoned(cluster, "node-0", false);
    co_await cluster.until(sim::all_running(2));
}

awaitable<> tainted(sim::cluster& cluster, sim::world&) {
    co_await set_taint(cluster, "node-0", "gpu=yes:NoSchedule");
    co_await cluster.create(pod("web"), 1);
    co_await until_waiting(cluster, "node has a taint (1 node: node-0: gpu=yes:NoSchedule)");
    co_await set_taint(cluster, "node-0", "gpu-");
    co_await cluster.until(sim::all_running(1));
    co_await set_taint(cluster, "node-0", "gpu:NoSchedule");
    CHECK(cluster.node(0).running().size() == 1);
    co_await set_taint(cluster, "node-0", "gone:NoExecute");
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
}

awaitable<> avoided(sim::cluster& cluster, sim::world&) {
    co_await set_taint(cluster, "node-0", "old:PreferNoSchedule");
    co_await cluster.create(pod("web", R"(,"resources":{"requests":{"cpu":"1"}})"), 5);
    co_await cluster.until(sim::all_running(5));
    CHECK(cluster.node(1).running().size() == 4);
    CHECK(cluster.node(0).running().size() == 1);
}

awaitable<> labelled(sim::cluster& cluster, sim::world&) {
    node_change what;
    what.labels["zone"] = "north";
    co_await change(cluster, "node-0", what);
    co_await cluster.crash_node(0);
    co_await cluster.start_node(0);
    auto const after = co_await node_of(cluster, "node-0");
    CHECK(meta_of(*after, 1).labels.at("zone") == "north");
    CHECK(after->generation == 2);
    what.labels["zone"] = std::nullopt;
    co_await change(cluster, "node-0", what);
    auto const bare = co_await node_of(cluster, "node-0");
    CHECK_FALSE(meta_of(*bare, 1).labels.contains("zone"));
    what.labels.clear();
    what.labels["bad key"] = "x";
    auto const refused = co_await cluster.api().nodes().update(caller(), bare->id, what, any_revision);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::invalid);
    auto const moved = co_await cluster.api().nodes().update(caller(), bare->id, node_change(), after.changed_at);
    REQUIRE_FALSE(moved.has_value());
    CHECK(moved.error().code == errc::conflict);
}

awaitable<> only_for_admins(sim::cluster& cluster, sim::world&) {
    caller who{.subject = "eve"};
    who.role = caller_role::editor;
    auto const on = co_await node_of(cluster, "node-0");
    auto const changed = co_await cluster.api().nodes().update(who, on->id, node_change(), any_revision);
    CHECK(changed.error().code == errc::denied);
    auto const drained = co_await cluster.api().nodes().drain(who, on->id, drain_options());
    CHECK(drained.error().code == errc::denied);
    auto const removed = co_await cluster.api().nodes().remove(who, on->id, any_revision);
    CHECK(removed.error().code == errc::denied);
    auto const dead = co_await cluster.api().nodes().declare_dead(who, on->id, "node-0");
    CHECK(dead.error().code == errc::denied);
}

awaitable<> drained(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour brief;
    brief.runs_for = 1s;
    cluster.node(0).set_behaviour("brief:1", brief);
    sim::image_behaviour slow;
    slow.stop_time = 5s;
    cluster.node(0).set_behaviour("web:1", slow);
    co_await cluster.create(pod("web"), 2);
    co_await cluster.create(job, 1);
    co_await cluster.until(one_has_succeeded);
    auto const asked = co_await drain(cluster, "node-0", drain_options());
    REQUIRE(asked.has_value());
    CHECK(asked->leaving.size() == 1);  // it has ended
    REQUIRE(asked->kept.size() == 2);
    CHECK(asked->kept[0].which->state() == instance_state::running);
    CHECK_FALSE(asked->kept[0].why.empty());
    auto const after = co_await node_of(cluster, "node-0");
    CHECK(after->standing.is_cordoned);
    co_await world.time().sleep_for(20s);
    CHECK(cluster.node(0).running().size() == 2);

    drain_options const force{.forces = true};
    auto const forced = co_await drain(cluster, "node-0", force);
    REQUIRE(forced.has_value());
    CHECK(forced->leaving.size() == 2);
    CHECK(forced->kept.empty());
    co_await world.time().sleep_for(2s);
    CHECK(cluster.node(0).running().size() == 2);  // their grace
    auto const again = co_await drain(cluster, "node-0", force);
    CHECK(again->leaving.size() == 2);
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
}

awaitable<> removed(sim::cluster& cluster, sim::world& world) {
    co_await cluster.create(pod("web"), 1);
    co_await cluster.until(sim::all_running(1));
    auto const bound = co_await remove(cluster, "node-0");
    REQUIRE_FALSE(bound.has_value());
    CHECK(bound.error().code == errc::conflict);
    auto const all = co_await instances(cluster);
    CHECK(bound.error().message.find(all[0]->name()) != std::string::npos);
    drain_options const force{.forces = true};
    (void)co_await drain(cluster, "node-0", force);
    co_await cluster.until(sim::none_left);
    co_await set_cordoned(cluster, "node-0", false);
    auto const in_use = co_await remove(cluster, "node-0");
    REQUIRE_FALSE(in_use.has_value());
    CHECK(in_use.error().code == errc::conflict);
    co_await set_cordoned(cluster, "node-0", true);
    auto const before = co_await node_of(cluster, "node-0");
    auto const done = co_await remove(cluster, "node-0");
    CHECK(done.has_value());
    co_await world.time().sleep_for(10s);
    auto const anew = co_await node_of(cluster, "node-0");  // its agent is still there
    CHECK(anew->id == before->id);
    CHECK(anew->created_at > before->created_at);
    CHECK_FALSE(anew->standing.is_cordoned);
    CHECK(anew->pod_subnet == before->pod_subnet);
    co_await cluster.create(pod("next"), 1);
    co_await cluster.until(sim::all_running(1));
}

awaitable<> removed_for_good(sim::cluster& cluster, sim::world& world) {
    co_await cluster.power_off(1);
    co_await wait_for_state(cluster, world, "node-1", node_state::unheard);
    auto const done = co_await remove(cluster, "node-1");
    CHECK(done.has_value());
    auto const listed = co_await cluster.api().nodes().list(caller(), page());
    CHECK(listed->rows.size() == 1);
    co_await cluster.create(pod("large", R"(,"resources":{"requests":{"cpu":"100"}})"), 1);
    co_await until_waiting(cluster, "not enough cpu (1 node: node-0;");
}

/// Cuts it off while it runs three instances of "web".
awaitable<> cut_off_with_three(sim::cluster& cluster, sim::world& world) {
    co_await cluster.create(pod("web"), 3);
    co_await cluster.until(sim::all_running(3));
    auto const heard = co_await declare_dead(cluster, "node-0", "node-0");
    REQUIRE_FALSE(heard.has_value());
    CHECK(heard.error().code == errc::conflict);
    cluster.cut_link(0);
    co_await wait_for_state(cluster, world, "node-0", node_state::unheard);
}

awaitable<> dead_and_back(sim::cluster& cluster, sim::world& world) {
    co_await cut_off_with_three(cluster, world);
    auto const before = co_await instances(cluster);
    auto const unconfirmed = co_await declare_dead(cluster, "node-0", "node-1");
    REQUIRE_FALSE(unconfirmed.has_value());
    CHECK(unconfirmed.error().code == errc::invalid);
    for (auto const& row : before) CHECK(unconfirmed.error().message.find(row->name()) != std::string::npos);

    auto const lost = co_await declare_dead(cluster, "node-0", "node-0");
    REQUIRE(lost.has_value());
    CHECK(lost->size() == 3);
    auto const none = co_await instances(cluster);
    CHECK(none.empty());
    CHECK(cluster.node(0).running().size() == 3);  // it was not dead
    create_instances_request again{.workload = *before[0]->owner(), .name = before[0]->name()};
    auto const same_name = co_await cluster.api().instances().create(caller(), again);
    CHECK(same_name.has_value());
    co_await until_waiting(cluster, "node was declared dead, and is not yet cleared");
    co_await cluster.crash_primary();
    co_await cluster.start_primary();

    cluster.mend_link(0);
    co_await wait_until_cleared(cluster, world, "node-0");
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.node(0).occupied().size() == 1);
    auto const cleared = co_await node_of(cluster, "node-0");
    CHECK(cleared->remnants.empty());
}

bool says_no_scheduler(node const& row) {
    return std::ranges::count(row.facts.troubles, std::string("NoScheduler"), &node_trouble::reason) == 1;
}

/// Starts two instances and takes the scheduler away, for longer than a node may be silent.
awaitable<> lose_the_scheduler(sim::cluster& cluster, sim::world& world) {
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(9s);
    auto const early = co_await node_of(cluster, "node-0");
    CHECK(early->state == node_state::ready);
    auto const refused = co_await declare_dead(cluster, "node-0", "node-0");
    CHECK_FALSE(refused.has_value());
    co_await world.time().sleep_for(2s);
    for (auto const* const name : {"node-0", "node-1"}) {
        auto const late = co_await node_of(cluster, name);
        CHECK(late->state == node_state::unheard);
        CHECK(says_no_scheduler(*late));
    }
}

std::size_t start_count(sim::cluster& cluster) {
    return cluster.node(0).starts().size() + cluster.node(1).starts().size();
}

awaitable<> scheduler_away_and_back(sim::cluster& cluster, sim::world& world) {
    co_await cluster.create(pod("web"), 4);
    co_await cluster.until(sim::all_running(4));
    auto const starts = start_count(cluster);
    cluster.cut_link(1);
    co_await lose_the_scheduler(cluster, world);
    co_await cluster.crash_primary();  // what it has said of them, it says on
    co_await cluster.start_primary();
    auto const again = co_await node_of(cluster, "node-0");
    CHECK(again->state == node_state::unheard);

    co_await cluster.start_scheduler();
    co_await wait_for_state(cluster, world, "node-0", node_state::ready);
    auto const back = co_await node_of(cluster, "node-0");
    CHECK(back->facts.troubles.empty());
    co_await world.time().sleep_for(11s);
    auto const cut_off = co_await node_of(cluster, "node-1");
    CHECK(cut_off->state == node_state::unheard);
    CHECK_FALSE(says_no_scheduler(*cut_off));  // but for another reason
    cluster.mend_link(1);
    co_await wait_for_state(cluster, world, "node-1", node_state::ready);
    co_await cluster.until(sim::all_running(4));
    CHECK(start_count(cluster) == starts);
    auto const later = co_await node_of(cluster, "node-0");
    CHECK_FALSE(later->standing.is_dead);
    co_await lose_the_scheduler(cluster, world);  // the second time likewise
}

awaitable<> scheduler_away_for_a_moment(sim::cluster& cluster, sim::world& world) {
    auto const before = co_await node_of(cluster, "node-0");
    co_await cluster.crash_scheduler();
    co_await world.time().sleep_for(5s);
    co_await cluster.start_scheduler();
    co_await world.time().sleep_for(30s);
    auto const after = co_await node_of(cluster, "node-0");
    CHECK(after->state_since == before->state_since);
}

awaitable<> dead_without_a_scheduler(sim::cluster& cluster, sim::world& world) {
    co_await cluster.create(pod("web"), 4);
    co_await cluster.until(sim::all_running(4));
    co_await cluster.power_off(0);
    co_await lose_the_scheduler(cluster, world);
    auto const lost = co_await declare_dead(cluster, "node-0", "node-0");
    REQUIRE(lost.has_value());
    CHECK(lost->size() == 2);
    co_await cluster.start_scheduler();
    co_await cluster.until(sim::all_running(2));
}

awaitable<> dead_and_slow(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour slow;
    slow.stop_time = 20s;
    cluster.node(0).set_behaviour(slow);
    co_await cut_off_with_three(cluster, world);
    (void)co_await declare_dead(cluster, "node-0", "node-0");
    co_await cluster.create(pod("next"), 1);
    cluster.mend_link(0);
    co_await wait_for_state(cluster, world, "node-0", node_state::ready);
    co_await until_waiting(cluster, "node was declared dead, and is not yet cleared");
    CHECK(cluster.node(0).running().size() == 3);
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.node(0).running().size() == 1);
}

/// Nobody has told the node of the removal: its instances are strangers when it is back.
awaitable<> dead_removed_and_back(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour slow;
    slow.stop_time = 20s;
    cluster.node(0).set_behaviour(slow);
    co_await cut_off_with_three(cluster, world);
    (void)co_await declare_dead(cluster, "node-0", "node-0");
    auto const gone = co_await remove(cluster, "node-0");
    CHECK(gone.has_value());
    co_await cluster.create(pod("next", R"(,"resources":{"requests":{"cpu":"4"}})"), 1);
    cluster.mend_link(0);
    co_await world.time().sleep_for(10s);
    CHECK(cluster.node(0).running().size() == 3);  // they have their grace, and nothing new is beside them
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.node(0).running().size() == 1);
}

awaitable<> dead_with_a_deleted_workload(sim::cluster& cluster, sim::world& world) {
    co_await cut_off_with_three(cluster, world);
    auto const all = co_await instances(cluster);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), *all[0]->owner(), any_revision);
    CHECK(deleted.has_value());
    (void)co_await declare_dead(cluster, "node-0", "node-0");
    auto const workloads = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    CHECK(workloads->rows.empty());
    auto const dead = co_await node_of(cluster, "node-0");
    CHECK(dead->remnants.size() == 3);
}

}  // namespace

TEST_CASE("a cordoned node keeps what it has and takes nothing new, until it is uncordoned") { simulate(cordoned); }
TEST_CASE("a taint keeps instances off a node, and NoExecute drives them away") { simulate(tainted); }
TEST_CASE("a node with a taint that is to be avoided takes what fits nowhere else") { simulate(avoided, 2); }
TEST_CASE("labels of operators stay when the node joins again, and go when they are taken off") { simulate(labelled); }
TEST_CASE("only an admin changes, drains, removes a node or declares it dead") { simulate(only_for_admins); }
TEST_CASE("a drain removes what has ended, and the rest only if it is forced, with its grace") { simulate(drained); }
TEST_CASE("a node is removed when it is drained, and joins anew if its agent is still there") { simulate(removed); }
TEST_CASE("a node that is gone is forgotten, and no reason names it any more") { simulate(removed_for_good, 2); }
TEST_CASE("what was on a dead node is gone with its names, and destroyed if the node comes back") {
    simulate(dead_and_back);
}
TEST_CASE("a dead node that is back takes nothing before all of its own is gone") { simulate(dead_and_slow); }
TEST_CASE("a dead node that was removed joins anew, and takes nothing before all of its own is gone") {
    simulate(dead_removed_and_back);
}
TEST_CASE("while no scheduler is there no node is heard, and all is as before when it is back") {
    simulate(scheduler_away_and_back, 2);
}
TEST_CASE("a scheduler that is away for less than a node may be silent is not missed") {
    simulate(scheduler_away_for_a_moment);
}
TEST_CASE("a node can be declared dead while no scheduler is there") { simulate(dead_without_a_scheduler, 2); }
TEST_CASE("a workload that is being deleted goes with its instances on a dead node") {
    simulate(dead_with_a_deleted_workload);
}
