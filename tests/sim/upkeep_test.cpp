// What users ask of workloads that keep themselves, on the real roles in virtual time.
#include <rik/async/task_group.hpp>
#include <sim/scenario.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

/// In RIK's form: an instance on a node that is unheard is replaced after 30 s.
std::string definition(std::string const& kind, int replicas, std::string const& name = "web",
                       std::string const& image = "web:1") {
    return R"({"apiVersion":"v1","kind":")" + kind + R"(","name":")" + name + R"(","replicas":)" +
           std::to_string(replicas) +
           R"(,"selector":{"matchLabels":{"app":"web"}},"template":{"labels":{"app":"web"},)" +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}})";
}

awaitable<workload_id> apply(sim::cluster& cluster, std::string text) {
    auto parsed = parse_definition(text);
    for (auto const& each : parsed.found) FAIL(to_string(each));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto made = co_await std::move(applying);
    if (!made) FAIL(to_string(made.error()));
    co_return made->row->id;
}

awaitable<workload_story> story(sim::cluster& cluster, workload_id which) {
    object_ref by_id(which);
    auto told = co_await cluster.api().workloads().story(caller(), std::move(by_id));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

workload_state state_in(workload_story const& told) {
    return state_of(*told.row, told.progress ? &*told.progress : nullptr);
}

awaitable<> until_state(sim::cluster& cluster, sim::world& world, workload_id which, workload_state wanted) {
    for (int tries = 0; tries < 3'000; ++tries) {
        auto const told = co_await story(cluster, which);
        auto const is_seen = told.progress && told.progress->generation == told.row->generation;
        if (is_seen && state_in(told) == wanted) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("it does not become " << to_string(wanted));
}

/// A deployment of `count` that runs.
awaitable<workload_id> running(sim::cluster& cluster, sim::world& world, std::string kind, int count) {
    auto const made = co_await apply(cluster, definition(kind, count));
    co_await cluster.until(sim::all_running(static_cast<std::size_t>(count)));
    co_await until_state(cluster, world, made, workload_state::active);
    co_return made;
}

template <class Answer>
void check_code(result<Answer> const& answer, errc code, std::string const& words) {
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == code);
    CHECK(answer.error().message.find(words) != std::string::npos);
}

awaitable<> pauses_and_comes_back(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "Deployment", 3);
    auto const paused = co_await cluster.api().upkeep().pause(caller(), web, any_revision);
    REQUIRE(paused.has_value());
    CHECK((*paused)->replicas == 3);
    CHECK(state_of_row(**paused) == workload_state::paused);
    co_await cluster.until(sim::none_left);
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(5s);
    CHECK((co_await instances(cluster)).empty());
    auto const again = co_await cluster.api().upkeep().pause(caller(), web, any_revision);
    REQUIRE(again.has_value());
    CHECK((*again)->generation == (*paused)->generation);
    auto const refused = co_await cluster.api().upkeep().restart(caller(), web, false, any_revision);
    check_code(refused, errc::conflict, "is paused");
    auto const resumed = co_await cluster.api().upkeep().resume(caller(), web, any_revision);
    REQUIRE(resumed.has_value());
    auto const twice = co_await cluster.api().upkeep().resume(caller(), web, any_revision);
    check_code(twice, errc::conflict, "Deployment web is not paused");
    co_await cluster.until(sim::all_running(3));
    co_await until_state(cluster, world, web, workload_state::active);
}

awaitable<> scales(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "Deployment", 2);
    auto const more = co_await cluster.api().upkeep().scale(caller(), web, 5, any_revision);
    REQUIRE(more.has_value());
    CHECK((*more)->replicas == 5);
    auto const early = co_await cluster.api().upkeep().pause(caller(), web, any_revision);
    check_code(early, errc::conflict, "scaling: it cannot become paused");
    co_await cluster.until(sim::all_running(5));
    co_await until_state(cluster, world, web, workload_state::active);
    auto const paused = co_await cluster.api().upkeep().pause(caller(), web, any_revision);
    REQUIRE(paused.has_value());
    co_await cluster.until(sim::none_left);
    // A count is wanted: that ends the pause, also if it is the one that was remembered.
    auto const same = co_await cluster.api().upkeep().scale(caller(), web, 5, any_revision);
    REQUIRE(same.has_value());
    CHECK_FALSE((*same)->paused_since);
    co_await cluster.until(sim::all_running(5));
    auto const wrong = co_await cluster.api().upkeep().scale(caller(), web, 4'000'000'000, any_revision);
    check_code(wrong, errc::invalid, "replicas");
    expected_revision const long_ago = 1;
    auto const stale = co_await cluster.api().upkeep().scale(caller(), web, 1, long_ago);
    REQUIRE(stale.has_error());
    CHECK(stale.error().code == errc::conflict);
}

awaitable<> refuses_what_it_cannot_do(sim::cluster& cluster, sim::world&) {
    auto const bare = co_await apply(
        cluster,
        R"({"apiVersion":"v1","kind":"Pod","name":"bare","spec":{"containers":[{"name":"main","image":"web:1"}]}})");
    auto const pausing = co_await cluster.api().upkeep().pause(caller(), bare, any_revision);
    check_code(pausing, errc::conflict, "keeps no instances by itself");
    auto const scaling = co_await cluster.api().upkeep().scale(caller(), bare, 2, any_revision);
    check_code(scaling, errc::conflict, "keeps no instances by itself");
    auto text = definition("DaemonSet", 1, "agents");
    text.erase(text.find(R"("replicas":1,)"), std::string(R"("replicas":1,)").size());
    auto const agents = co_await apply(cluster, text);
    auto const counted = co_await cluster.api().upkeep().scale(caller(), agents, 2, any_revision);
    check_code(counted, errc::conflict, "it has no count");
    object_ref nobody("nobody");
    auto const missing = co_await cluster.api().upkeep().resume(caller(), std::move(nobody), any_revision);
    REQUIRE(missing.has_error());
    CHECK(missing.error().code == errc::not_found);
    auto const unstopped = co_await cluster.api().upkeep().resume_replacement(caller());
    check_code(unstopped, errc::conflict, "not stopped");
}

/// How many have obeyed a restart, and how many are not ready.
struct restart_counts {
    std::size_t restarted = 0;
    std::size_t away = 0;
};
restart_counts count_restarts(rows const& all) {
    restart_counts made;
    for (auto const& row : all) {
        made.restarted += row->status().restarts > 0 && row->status().ready ? 1U : 0U;
        made.away += row->status().ready ? 0U : 1U;
    }
    return made;
}

awaitable<> restarts_one_after_the_other(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "Deployment", 4);
    auto const before = co_await instances(cluster);
    auto const asked = co_await cluster.api().upkeep().restart(caller(), web, false, any_revision);
    REQUIRE(asked.has_value());
    std::size_t away_max = 0;
    for (int tries = 0; tries < 3'000; ++tries) {
        auto const now = count_restarts(co_await instances(cluster));
        away_max = std::max(away_max, now.away);
        if (tries == 3) {  // in the middle of it
            co_await cluster.crash_primary();
            co_await cluster.start_primary();
        }
        auto const told = co_await story(cluster, web);
        CHECK(state_in(told) == workload_state::active);
        if (told.has_restarted) break;
        co_await world.time().sleep_for(20ms);
    }
    CHECK(away_max <= 1);
    auto const after = co_await instances(cluster);
    CHECK(count_restarts(after).restarted == 4);
    for (auto const& row : after) {
        CHECK(row->restarts() == 1);
        CHECK(std::ranges::any_of(before, [&](auto const& each) { return each->id() == row->id(); }));
    }
}

awaitable<> restarts_all_at_once(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "ReplicaSet", 3);
    auto const asked = co_await cluster.api().upkeep().restart(caller(), web, true, any_revision);
    REQUIRE(asked.has_value());
    condition const all_did = [](rows const& all) { return count_restarts(all).restarted == 3; };
    co_await cluster.until(all_did);
}

awaitable<> leaves_orphans_that_are_adopted(sim::cluster& cluster, sim::world& world) {
    auto const old = co_await running(cluster, world, "Deployment", 3);
    auto const before = co_await instances(cluster);
    remove_options const how(any_revision, cascade::orphan);
    auto const removed = co_await cluster.api().workloads().remove(caller(), old, how);
    REQUIRE(removed.has_value());
    condition const are_nobodys = [](rows const& all) {
        return sim::all_running(3)(all) && std::ranges::all_of(all, [](auto const& row) { return !row->owner(); });
    };
    co_await cluster.until(are_nobodys);
    auto const gone = co_await cluster.api().workloads().get(caller(), old);
    CHECK(gone.has_error());
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await cluster.until(are_nobodys);
    auto const heir = co_await apply(cluster, definition("ReplicaSet", 4, "heir"));
    condition const are_taken = [heir](rows const& all) {
        return sim::all_running(4)(all) &&
               std::ranges::all_of(all, [&](auto const& row) { return row->owner() == heir; });
    };
    co_await cluster.until(are_taken);
    std::set<std::optional<std::uint32_t>> indexes;
    auto const after = co_await instances(cluster);
    for (auto const& row : after) indexes.insert(row->index());
    CHECK(indexes == std::set<std::optional<std::uint32_t>>{0, 1, 2, 3});
    for (auto const& row : before)
        CHECK(std::ranges::any_of(after, [&](auto const& each) { return each->id() == row->id(); }));
    // What it has adopted it also replaces: a change of one is its news.
    auto const lost = before.front()->id();
    auto const deleted = co_await cluster.api().instances().remove(caller(), lost, any_revision);
    CHECK(deleted.has_value());
    condition const is_replaced = [lost, are_taken](rows const& all) {
        return are_taken(all) && std::ranges::none_of(all, [&](auto const& row) { return row->id() == lost; });
    };
    co_await cluster.until(is_replaced);
    auto const ended = co_await cluster.api().workloads().remove(caller(), heir, any_revision);
    CHECK(ended.has_value());
    co_await cluster.until(sim::none_left);
    co_await world.time().sleep_for(1s);
    CHECK(cluster.unused_releases_count() == 0);
}

awaitable<> orphan(sim::cluster& cluster, workload_id which) {
    remove_options const how(any_revision, cascade::orphan);
    auto const removed = co_await cluster.api().workloads().remove(caller(), which, how);
    (void)removed;  // the other call may have been first
}

/// Each slice of the one call meets rows that the other one has left.
awaitable<> is_left_by_two_calls(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "ReplicaSet", 300);
    task_group calls(world.executor());
    for (int i = 0; i < 2; ++i) calls.spawn(orphan(cluster, web));
    co_await calls.join();
    co_await world.time().sleep_for(5s);
    auto const left = co_await instances(cluster);
    CHECK(sim::all_running(300)(left));
    CHECK(std::ranges::none_of(left, [](auto const& row) { return row->owner().has_value(); }));
}

/// What goes already cannot be kept any more.
awaitable<> is_not_left_when_it_goes(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "ReplicaSet", 2);
    cluster.node(0).faults.removal_time = 10s;
    auto const removed = co_await cluster.api().workloads().remove(caller(), web, any_revision);
    CHECK(removed.has_value());
    remove_options const how(any_revision, cascade::orphan);
    auto const late = co_await cluster.api().workloads().remove(caller(), web, how);
    check_code(late, errc::conflict, "ReplicaSet web is being deleted with its instances already");
    auto const again = co_await cluster.api().workloads().remove(caller(), web, any_revision);
    CHECK(again.has_value());
    co_await cluster.until(sim::none_left);
}

/// An instance whose label is changed is let go of, and another one takes its place.
awaitable<> lets_go_of_what_is_relabelled(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "ReplicaSet", 2);
    auto const one = (co_await instances(cluster)).front()->id();
    label_changes const debug{{"app", "debug"}};
    auto const changed = co_await cluster.api().instances().relabel(caller(), one, debug, any_revision);
    REQUIRE(changed.has_value());
    CHECK((*changed)->labels().at("app") == "debug");
    condition const is_out = [one, web](rows const& all) {
        auto const is_kept = [&](auto const& row) { return row->owner() == web && row->id() != one; };
        return sim::all_running(3)(all) && std::ranges::count_if(all, is_kept) == 2;
    };
    co_await cluster.until(is_out);
    label_changes const back{{"app", "web"}};
    auto const restored = co_await cluster.api().instances().relabel(caller(), one, back, any_revision);
    CHECK(restored.has_value());
    co_await cluster.until(sim::all_running(2));  // there are three then: one is too many
    co_await until_state(cluster, world, web, workload_state::active);
    label_changes const wrong{{"app", "not a label!"}};
    auto const refused = co_await cluster.api().instances().relabel(caller(), one, wrong, any_revision);
    REQUIRE(refused.has_error());
}

awaitable<> a_tenant_takes_its_orphans_along(sim::cluster& cluster, sim::world&) {
    new_tenant team_a{.name = "team"};
    auto creating = cluster.api().tenants().create(caller(), std::move(team_a));
    auto const made = co_await std::move(creating);
    REQUIRE(made.has_value());
    auto parsed = parse_definition(definition("ReplicaSet", 2));
    parsed.definition.tenant = "team";
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const web = co_await std::move(applying);
    REQUIRE(web.has_value());
    co_await cluster.until(sim::all_running(2));
    remove_options const how(any_revision, cascade::orphan);
    auto const id = web->row->id;
    auto const removed = co_await cluster.api().workloads().remove(caller(), id, how);
    CHECK(removed.has_value());
    object_ref team("team");
    auto const ended = co_await cluster.api().tenants().remove(caller(), std::move(team), any_revision);
    REQUIRE(ended.has_value());
    CHECK(ended->instances_count == 2);
    co_await cluster.until(sim::none_left);
}

awaitable<> stops_replacing_until_a_person_says_so(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "ReplicaSet", 8);
    for (std::size_t i = 0; i < 3; ++i) co_await cluster.power_off(i);
    co_await world.time().sleep_for(3min);
    auto const is_replaced = [](rows const& all) {
        return std::ranges::any_of(all, [](auto const& row) { return row->is_condemned(); });
    };
    CHECK_FALSE(is_replaced(co_await instances(cluster)));
    auto const held = co_await story(cluster, web);
    REQUIRE(held.progress);
    CHECK(held.progress->held_up.find("resume-replacement") != std::string::npos);
    auto const stop = co_await cluster.api().upkeep().find_replacement_stop(caller());
    REQUIRE(stop.has_value());
    REQUIRE(*stop);
    CHECK((*stop)->unheard_count == 3);
    // Fewer are gone now, and who knows why: it stays stopped, also over a restart of the primary.
    co_await cluster.start_node(0);
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(2min);
    CHECK_FALSE(is_replaced(co_await instances(cluster)));
    auto const lifted = co_await cluster.api().upkeep().resume_replacement(caller());
    REQUIRE(lifted.has_value());
    condition const is_elsewhere = [](rows const& all) {
        return 8 == std::ranges::count_if(all, [](auto const& row) {
                   return row->is_bound() && row->status().ready && row->state() == instance_state::running;
               });
    };
    co_await cluster.until(is_replaced);
    co_await cluster.until(is_elsewhere);
    co_await cluster.start_node(1);
    co_await cluster.start_node(2);
    co_await cluster.until(sim::all_running(8));
    co_await world.time().sleep_for(1min);
    auto const over = co_await cluster.api().upkeep().find_replacement_stop(caller());
    REQUIRE(over.has_value());
    CHECK_FALSE(*over);
}

awaitable<> lists_by_index_and_number(sim::cluster& cluster, sim::world& world) {
    auto const web = co_await running(cluster, world, "Deployment", 3);
    co_await apply(cluster, definition("Deployment", 3, "web", "web:2"));
    co_await until_state(cluster, world, web, workload_state::active);
    auto const listed = co_await cluster.api().upkeep().list_instances(caller(), web, page());
    REQUIRE(listed.has_value());
    CHECK(std::ranges::is_sorted(listed->rows, {}, [](auto const& row) { return row->index(); }));
    CHECK(listed->rows.size() >= 3);
    page const first{.count_max = 1, .after = {}, .wants_total = true};
    auto const releases = co_await cluster.api().upkeep().list_releases(caller(), web, first);
    REQUIRE(releases.has_value());
    REQUIRE(releases->rows.size() == 1);
    CHECK(releases->rows.front()->number == 2);
    CHECK(releases->total == 2);
    page const second{.count_max = 1, .after = releases->next};
    auto const older = co_await cluster.api().upkeep().list_releases(caller(), web, second);
    REQUIRE(older.has_value());
    CHECK(older->rows.front()->number == 1);
    CHECK(older->next.empty());
    page const wrong{.count_max = 1, .after = "x"};
    CHECK((co_await cluster.api().upkeep().list_releases(caller(), web, wrong)).has_error());
    co_await apply(cluster, definition("ReplicaSet", 0, "none"));
    workload_filter active;
    active.chosen.fields.push_back({.field = "state", .value = "active"});
    page const counted{.count_max = 1, .after = {}, .wants_total = true};
    co_await world.time().sleep_for(1s);
    auto const some = co_await cluster.api().workloads().list(caller(), active, counted);
    REQUIRE(some.has_value());
    CHECK(some->total == 2);
    CHECK(some->rows.size() == 1);
}

}  // namespace

TEST_CASE("a workload is paused, and comes back to its count", "[sim][upkeep]") { simulate(pauses_and_comes_back); }
TEST_CASE("a count that is wanted changes nothing else, and ends a pause", "[sim][upkeep]") { simulate(scales, 2); }
TEST_CASE("what is not managed, or has no count, says so", "[sim][upkeep]") { simulate(refuses_what_it_cannot_do); }
TEST_CASE("instances restart in place one after the other, through a crash", "[sim][upkeep]") {
    simulate(restarts_one_after_the_other, 2);
}
TEST_CASE("instances restart in place all at once", "[sim][upkeep]") { simulate(restarts_all_at_once, 2); }
TEST_CASE("what a workload leaves behind is adopted by another one", "[sim][upkeep]") {
    simulate(leaves_orphans_that_are_adopted, 2);
}
TEST_CASE("what two calls at once leave behind stays", "[sim][upkeep]") { simulate(is_left_by_two_calls, 3); }
TEST_CASE("what is being deleted cannot be kept any more", "[sim][upkeep]") { simulate(is_not_left_when_it_goes); }
TEST_CASE("an instance with other labels is let go of", "[sim][upkeep]") { simulate(lets_go_of_what_is_relabelled); }
TEST_CASE("a tenant takes along what is nobody's", "[sim][upkeep]") { simulate(a_tenant_takes_its_orphans_along); }
TEST_CASE("when too many nodes are gone nothing is replaced until a person says so", "[sim][upkeep]") {
    simulate(stops_replacing_until_a_person_says_so, 5);
}
TEST_CASE("instances are listed by index, and releases from the newest", "[sim][upkeep]") {
    simulate(lists_by_index_and_number);
}
