// Workloads that keep themselves, on the real roles in virtual time.
#include <rik/controllers/controller.hpp>
#include <sim/scenario.hpp>
#include <sim/told_events.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

/// In Kubernetes' form; `more` stands in spec.
std::string managed(std::string const& kind, std::string const& image, std::string const& more = {}) {
    return R"({"apiVersion":"apps/v1","kind":")" + kind + R"(","metadata":{"name":"web"},"spec":{)" + more +
           R"("selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)" +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}}})";
}

awaitable<workload_story> story(sim::cluster& cluster) {
    object_ref which("web");
    auto told = co_await cluster.api().workloads().story(caller(), std::move(which));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

std::string image_of(stored<instance> const& row) { return row->spec().containers.front().image; }

/// There are `count`, all run, and are made from `image`.
condition all_run_from(std::size_t count, std::string image) {
    return [count, image = std::move(image)](rows const& all) {
        return sim::all_running(count)(all) &&
               std::ranges::all_of(all, [&](auto const& row) { return image_of(row) == image; });
    };
}

awaitable<> until_complete(sim::cluster& cluster, sim::world& world) {
    for (int tries = 0; tries < 6'000; ++tries) {
        auto const told = co_await story(cluster);
        auto const is_current = told.progress && told.progress->release == told.row->current_release;
        if (is_current && told.progress->is_complete) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("it is not rolled out");
}

awaitable<> keeps_a_count(sim::cluster& cluster, sim::world& world) {
    auto const made = co_await apply(cluster, managed("ReplicaSet", "web:1", R"("replicas":3,)"));
    co_await cluster.until(all_run_from(3, "web:1"));
    auto const before = co_await instances(cluster);
    std::set<std::optional<std::uint32_t>> indexes;
    for (auto const& row : before) indexes.insert(row->index());
    CHECK(indexes == std::set<std::optional<std::uint32_t>>{0, 1, 2});
    object_ref one(before[1]->id());
    auto const removed = co_await cluster.api().instances().remove(caller(), std::move(one), any_revision);
    CHECK(removed.has_value());
    auto const is_gone = before[1]->id();
    condition is_replaced = [is_gone](rows const& all) {
        return sim::all_running(3)(all) &&
               std::ranges::none_of(all, [&](auto const& row) { return row->id() == is_gone; });
    };
    co_await cluster.until(std::move(is_replaced));
    co_await apply(cluster, managed("ReplicaSet", "web:1", R"("replicas":1,)"));
    co_await cluster.until(all_run_from(1, "web:1"));
    co_await until_complete(cluster, world);
    object_ref all(made.row->id);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), std::move(all), any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    CHECK(cluster.unused_releases_count() == 0);
}

awaitable<> rolls(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("Deployment", "web:1", R"("replicas":4,)"));
    co_await cluster.until(all_run_from(4, "web:1"));
    co_await apply(cluster, managed("Deployment", "web:2", R"("replicas":4,)"));
    co_await cluster.until(all_run_from(4, "web:2"));
    co_await until_complete(cluster, world);
    auto const told = co_await story(cluster);
    CHECK(told.releases.size() == 2);
    CHECK(told.steps.size() > 3);
    CHECK(told.progress->updated == 4);
    co_await apply(cluster, managed("Deployment", "web:1", R"("replicas":4,)"));
    co_await cluster.until(all_run_from(4, "web:1"));
    co_await until_complete(cluster, world);
    auto const again = co_await story(cluster);
    CHECK(again.releases.size() == 2);
}

/// The images of the releases that are kept, in the order of their numbers.
std::vector<std::string> history(workload_story const& of) {
    std::vector<std::string> images;
    for (auto const& each : of.releases) images.push_back(each->spec().containers.front().image);
    return images;
}

awaitable<> roll_to(sim::cluster& cluster, sim::world& world, std::string kind, std::string image) {
    co_await apply(cluster, managed(kind, image, R"("replicas":2,"revisionHistoryLimit":2,)"));
    co_await cluster.until(all_run_from(2, image));
    co_await until_complete(cluster, world);
}

/// What is kept is what ran last, also of a release that was used again, and after a start of the primary.
awaitable<> keeps_what_ran_last(sim::cluster& cluster, sim::world& world, std::string kind) {
    for (auto const* image : {"web:1", "web:2", "web:3", "web:1"}) co_await roll_to(cluster, world, kind, image);
    co_await world.time().sleep_for(1s);
    auto const back = co_await story(cluster);
    CHECK(history(back) == std::vector<std::string>{"web:2", "web:3", "web:1"});
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await roll_to(cluster, world, kind, "web:4");
    co_await world.time().sleep_for(1s);
    auto const told = co_await story(cluster);
    CHECK(history(told) == std::vector<std::string>{"web:3", "web:1", "web:4"});
    CHECK(told.releases.back()->number == 5);
    CHECK(told.row->releases_made == 5);
}

awaitable<> deployment_keeps_what_ran_last(sim::cluster& cluster, sim::world& world) {
    co_await keeps_what_ran_last(cluster, world, "Deployment");
}
awaitable<> stateful_set_keeps_what_ran_last(sim::cluster& cluster, sim::world& world) {
    co_await keeps_what_ran_last(cluster, world, "StatefulSet");
}

/// The primary dies in the middle, again and again.
awaitable<> rolls_through_crashes(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("Deployment", "web:1", R"("replicas":6,)"));
    co_await cluster.until(all_run_from(6, "web:1"));
    co_await apply(cluster, managed("Deployment", "web:2", R"("replicas":6,)"));
    for (int i = 0; i < 4; ++i) {
        co_await world.time().sleep_for(300ms);
        co_await cluster.crash_primary();
        co_await world.time().sleep_for(200ms);
        co_await cluster.start_primary();
    }
    co_await cluster.until(all_run_from(6, "web:2"));
    co_await until_complete(cluster, world);
}

awaitable<> replaces_what_is_lost(sim::cluster& cluster, sim::world& world) {
    auto const tolerant = std::string(R"({"apiVersion":"v1","kind":"ReplicaSet","name":"web","replicas":4,)") +
                          R"("template":{"spec":{"containers":[{"name":"main","image":"web:1"}]}}})";
    co_await apply(cluster, tolerant);
    co_await cluster.until(all_run_from(4, "web:1"));
    co_await cluster.power_off(0);
    auto const is_elsewhere = [](rows const& all) {
        return 4 == std::ranges::count_if(all, [](auto const& row) {
                   return row->is_bound() && row->state() == instance_state::running;
               });
    };
    auto const condemned = [](rows const& all) {
        return std::ranges::any_of(all, [](auto const& row) { return row->is_condemned(); });
    };
    co_await cluster.until(condemned);
    co_await cluster.until(is_elsewhere);
    co_await cluster.start_node(0);
    co_await cluster.until(all_run_from(4, "web:1"));  // what was condemned there is gone
    co_await until_complete(cluster, world);
}

bool one_on_each(rows const& all, std::size_t count) {
    std::set<node_id> where;
    for (auto const& row : all)
        if (row->is_bound() && row->state() == instance_state::running) where.insert(row->binding()->node);
    return where.size() == count && all.size() == count;
}

awaitable<> one_on_each_node(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("DaemonSet", "agent:1"));
    condition const are_there = [](rows const& all) { return one_on_each(all, 3); };
    co_await cluster.until(are_there);
    co_await apply(cluster, managed("DaemonSet", "agent:2"));
    condition are_new = [](rows const& all) {
        return one_on_each(all, 3) &&
               std::ranges::all_of(all, [](auto const& row) { return image_of(row) == "agent:2"; });
    };
    co_await cluster.until(std::move(are_new));
    co_await until_complete(cluster, world);
    node_change cordon;
    cordon.is_cordoned = true;
    auto const cordoned = co_await cluster.api().nodes().update(caller(), object_ref("node-1"), cordon, any_revision);
    CHECK(cordoned.has_value());
    auto const all = co_await instances(cluster);
    object_ref one(all[0]->id());
    auto const removed = co_await cluster.api().instances().remove(caller(), std::move(one), any_revision);
    CHECK(removed.has_value());
    co_await world.time().sleep_for(1s);
    co_await cluster.until(are_there);  // a cordon does not mean it
}

awaitable<result<void>> remove_node(sim::cluster& cluster, std::string name) {
    object_ref which(std::move(name));
    return cluster.api().nodes().remove(caller(), std::move(which), any_revision);
}

/// Its agent is still there, and joins anew: until then no DaemonSet has made anything there, whatever it tolerates.
awaitable<> leaves_a_node_that_is_removed(sim::cluster& cluster, sim::world& world) {
    auto agent = managed("DaemonSet", "agent:1");
    auto const spec = std::string(R"("spec":{"containers")");
    agent.replace(agent.find(spec), spec.size(), R"("spec":{"tolerations":[{"operator":"Exists"}],"containers")");
    co_await apply(cluster, agent);
    condition const are_there = [](rows const& all) { return one_on_each(all, 2); };
    co_await cluster.until(are_there);
    auto const early = co_await remove_node(cluster, "node-1");
    REQUIRE_FALSE(early.has_value());
    CHECK(early.error().message.find("it takes instances") != std::string::npos);
    object_ref which("node-1");
    auto const drained = co_await cluster.api().nodes().drain(caller(), which, drain_options());
    REQUIRE(drained.has_value());
    CHECK(drained->kept.size() == 1);
    auto const before = co_await cluster.api().nodes().get(caller(), which);
    auto const leaving = co_await remove_node(cluster, "node-1");
    REQUIRE(leaving.has_value());
    auto const there = co_await cluster.api().nodes().get(caller(), which);
    REQUIRE(there.has_value());
    CHECK(is_being_removed(**there));
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    for (int tries = 0; tries < 600; ++tries) {
        auto const now = co_await cluster.api().nodes().get(caller(), which);
        if (now && (*now)->created_at > (*before)->created_at) break;
        co_await world.time().sleep_for(100ms);
    }
    auto const anew = co_await cluster.api().nodes().get(caller(), which);
    REQUIRE(anew.has_value());
    CHECK((*anew)->created_at > (*before)->created_at);
    CHECK_FALSE(is_being_removed(**anew));
    co_await cluster.until(are_there);
    auto const all = co_await instances(cluster);
    auto const joined = (*anew)->created_at;
    CHECK(1 == std::ranges::count_if(all, [&](auto const& row) { return row->created_at() >= joined; }));
}

/// What was condemned goes, and another one comes in its place.
awaitable<> stays_if_it_is_uncordoned(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("DaemonSet", "agent:1"));
    condition const are_there = [](rows const& all) { return one_on_each(all, 2); };
    co_await cluster.until(are_there);
    cluster.node(1).faults.removal_time = 10s;
    object_ref which("node-1");
    auto const drained = co_await cluster.api().nodes().drain(caller(), which, drain_options());
    REQUIRE(drained.has_value());
    REQUIRE((co_await remove_node(cluster, "node-1")).has_value());
    node_change what{.is_cordoned = false};
    what.taints.push_back(parse_taint_change("rik.io/leaving-").value());  // it may be taken off in the same call
    auto const kept = co_await cluster.api().nodes().update(caller(), which, what, any_revision);
    REQUIRE(kept.has_value());
    CHECK_FALSE(is_being_removed(**kept));
    co_await world.time().sleep_for(1min);
    co_await cluster.until(are_there);
    auto const later = co_await cluster.api().nodes().get(caller(), which);
    REQUIRE(later.has_value());
    CHECK((*later)->created_at == (*kept)->created_at);
}

awaitable<> waits_for_a_node_that_is_not_heard(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("DaemonSet", "agent:1"));
    condition const are_there = [](rows const& all) { return one_on_each(all, 2); };
    co_await cluster.until(are_there);
    co_await cluster.power_off(1);
    co_await world.time().sleep_for(1min);
    auto const refused = co_await remove_node(cluster, "node-1");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("it is not heard") != std::string::npos);
    CHECK(refused.error().remedy.find("rikctl node declare-dead node-1") != std::string::npos);
}

awaitable<std::vector<std::string>> messages_of(sim::cluster& cluster, std::string reason) {
    std::vector<std::string> found;
    auto const told = co_await told_events(cluster);
    for (auto const& each : told)
        if (each.reason == reason) found.push_back(each.message);
    co_return found;
}

/// Of a DaemonSet `name`, whose template has `container` beside its image.
std::string daemons(std::string const& name, std::string const& image, std::string const& container,
                    std::string const& more = {}) {
    return R"({"apiVersion":"v1","kind":"DaemonSet","name":")" + name + R"(",)" + more +
           R"("template":{"spec":{"containers":[{"name":"main","image":")" + image + R"(",)" + container + "}]}}}";
}

/// What waits for its node says which, and what lacks there; an event says so once.
awaitable<> says_what_its_node_lacks(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, daemons("large", "agent:1", R"("resources":{"requests":{"cpu":"5"}})"));
    co_await world.time().sleep_for(1s);
    auto const large = co_await instances(cluster);
    REQUIRE(large.size() == 1);
    std::string const lacks = "waits for node node-0, which it is meant for: not enough cpu (asked 5, free 4 of 4)";
    CHECK(large.front()->status().message == lacks);
    CHECK(large.front()->status().reason == "Unschedulable");
    co_await apply(cluster, daemons("first", "agent:1", R"("ports":[{"containerPort":80,"hostPort":8088}])"));
    condition const runs = [](rows const& all) {
        return std::ranges::any_of(all, [](auto const& row) { return row->status().ready; });
    };
    co_await cluster.until(runs);
    co_await apply(cluster, daemons("next", "agent:1", R"("ports":[{"containerPort":80,"hostPort":8088}])"));
    co_await world.time().sleep_for(1min);
    auto const said = co_await messages_of(cluster, "Unschedulable");
    REQUIRE(said.size() == 2);
    CHECK(std::ranges::count(said, lacks) == 1);
    auto const all = co_await instances(cluster);
    auto const holder = std::ranges::find_if(all, [](auto const& row) { return row->status().ready; });
    CHECK(std::ranges::count(said,
                             "waits for node node-0, which it is meant for: host port is taken (8088/TCP by "
                             "instance " +
                                 (*holder)->name() + " of workload first)") == 1);
}

/// A surge never comes to a node where the old one has the port.
awaitable<> says_that_its_own_has_the_port(sim::cluster& cluster, sim::world& world) {
    std::string const surge = R"("updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}},)";
    std::string const port = R"("ports":[{"containerPort":80,"hostPort":8088}])";
    co_await apply(cluster, daemons("web", "agent:1", port, surge));
    co_await cluster.until(sim::all_running(1));
    co_await apply(cluster, daemons("web", "agent:2", port, surge));
    co_await world.time().sleep_for(1min);
    auto const said = co_await messages_of(cluster, "Unschedulable");
    REQUIRE(said.size() == 1);
    CHECK(said.front().find("that is the old one, which goes only when a new one is ready") != std::string::npos);
    co_await apply(cluster, daemons("web", "agent:2", port));
    condition is_new = [](rows const& all) { return sim::all_running(1)(all) && image_of(all.front()) == "agent:2"; };
    co_await cluster.until(std::move(is_new));
}

/// One that waits for room is of an old release when there is room: it goes, and is not placed by the same commit.
awaitable<> changes_what_waits(sim::cluster& cluster, sim::world& world) {
    auto const large =
        std::string(R"({"apiVersion":"v1","kind":"Pod","name":"large","spec":{"containers":[{"name":"main",)") +
        R"("image":"web:1","resources":{"requests":{"cpu":"4"}}}]}})";
    auto const daemon = [](std::string const& image) {
        return R"({"apiVersion":"v1","kind":"DaemonSet","name":"web","template":{"spec":{"containers":[{"name":"main",)"
               R"("image":")" +
               image + R"(","resources":{"requests":{"cpu":"1"}}}]}}})";
    };
    auto const holder = co_await cluster.create(large, 1);
    co_await cluster.until(sim::all_running(1));
    co_await apply(cluster, daemon("agent:1"));
    condition const waits = [](rows const& all) {
        return std::ranges::any_of(all, [](auto const& row) { return row->is_pending() && row->meant_for(); });
    };
    co_await cluster.until(waits);
    // Both in one moment, so that the controller sees both at once.
    auto parsed = parse_definition(daemon("agent:2"));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    object_ref which(holder);
    auto removing = cluster.api().workloads().remove(caller(), std::move(which), any_revision);
    auto const removed = co_await std::move(removing);
    CHECK(removed.has_value());
    auto const applied = co_await std::move(applying);
    CHECK(applied.has_value());
    condition is_new = [](rows const& all) { return sim::all_running(1)(all) && image_of(all.front()) == "agent:2"; };
    co_await cluster.until(std::move(is_new));
    co_await until_complete(cluster, world);
}

/// On whichever node it runs its files fill the disk.
awaitable<> leaves_a_full_disk(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("Deployment", "web:1", R"("replicas":1,)"));
    co_await cluster.until(sim::all_running(1));
    auto const here = cluster.node(0).running().empty() ? 1 : 0;
    sim::image_behaviour writer;
    writer.layer.bytes = std::int64_t{900} << 20;
    cluster.node(here).set_behaviour("web:1", writer);
    for (std::size_t i = 0; i < 2; ++i)
        cluster.node(i).measured.of_state = {
            .name = "/state", .total_bytes = std::int64_t{1} << 30, .free_bytes = std::int64_t{1} << 30};
    condition const is_elsewhere = [&](rows const&) { return cluster.node(1 - here).running().size() == 1; };
    co_await cluster.until(is_elsewhere);
    CHECK(cluster.node(here).running().empty());
    auto const all = co_await instances(cluster);
    auto const is_evicted = [](auto const& row) { return row->status().reason == "Evicted"; };
    CHECK(std::ranges::count_if(all, is_evicted) <= 1);
    co_await world.time().sleep_for(10min);
    CHECK(cluster.node(here).running().empty());
    CHECK(cluster.node(1 - here).running().size() == 1);
}

awaitable<> no_instances_by_hand(sim::cluster& cluster, sim::world&) {
    auto const made = co_await apply(cluster, managed("Deployment", "web:1"));
    create_instances_request wanted{.workload = object_ref(made.row->id)};
    auto const refused = co_await cluster.api().instances().create(caller(), std::move(wanted));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::conflict);
    CHECK(refused.error().remedy.find("scale") != std::string::npos);
}

}  // namespace

TEST_CASE("a ReplicaSet keeps its count", "[sim][managed]") { simulate(keeps_a_count); }
TEST_CASE("a Deployment comes to a new template, and back", "[sim][managed]") { simulate(rolls); }
TEST_CASE("the history of a Deployment has what ran last", "[sim][managed]") {
    simulate(deployment_keeps_what_ran_last);
}
TEST_CASE("the history of a StatefulSet has what ran last", "[sim][managed]") {
    simulate(stateful_set_keeps_what_ran_last);
}
TEST_CASE("a node is removed with its DaemonSets, which make nothing there any more", "[sim][managed]") {
    simulate(leaves_a_node_that_is_removed, 2);
}
TEST_CASE("a node that is uncordoned before its DaemonSets have left is kept", "[sim][managed]") {
    simulate(stays_if_it_is_uncordoned, 2);
}
TEST_CASE("a node that is not heard cannot be removed with its DaemonSets", "[sim][managed]") {
    simulate(waits_for_a_node_that_is_not_heard, 2);
}
TEST_CASE("a rollout goes on where a crash of the primary has cut it short", "[sim][managed]") {
    simulate(rolls_through_crashes);
}
TEST_CASE("what was on a node that is lost is made again elsewhere", "[sim][managed]") {
    simulate(replaces_what_is_lost, 3);
}
TEST_CASE("what is evicted from a full disk is made again elsewhere", "[sim][managed]") {
    simulate(leaves_a_full_disk, 2);
}
TEST_CASE("a DaemonSet has one instance on each node", "[sim][managed]") { simulate(one_on_each_node, 3); }
TEST_CASE("what waits for its node is replaced when its template changes", "[sim][managed]") {
    simulate(changes_what_waits);
}
TEST_CASE("an instance of a DaemonSet that does not fit says what its node lacks", "[sim][managed]") {
    simulate(says_what_its_node_lacks);
}
TEST_CASE("where the old instance has the host port a surge says so", "[sim][managed]") {
    simulate(says_that_its_own_has_the_port);
}
TEST_CASE("nobody else makes instances of a managed workload", "[sim][managed]") { simulate(no_instances_by_hand); }
