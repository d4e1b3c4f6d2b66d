// CronJobs on the real roles in virtual time: each run once, whatever dies meanwhile, and as their policies say.
#include <rik/base/limits.hpp>
#include <rik/controllers/cron_job.hpp>
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;

namespace {

using scenario = awaitable<> (*)(sim::cluster&, sim::world&);
using workloads = std::vector<stored<workload>>;

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    for (std::size_t i = 0; i < cluster.node_count(); ++i) {
        sim::image_behaviour good;
        good.runs_for = 2s;
        good.exit_code = 0;
        auto bad = good;
        bad.exit_code = 7;
        auto slow = good;
        slow.runs_for = 150s;
        cluster.node(i).set_behaviour("good:1", good);
        cluster.node(i).set_behaviour("docker://good:1", good);
        cluster.node(i).set_behaviour("bad:1", bad);
        cluster.node(i).set_behaviour("slow:1", slow);
    }
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(scenario what) {
    sim::world world(42);
    sim::cluster_options options;
    options.nodes = 2;
    options.flush_delay_max = 20ms;
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, what));
}

/// In Kubernetes' form, every minute; `more` stands in spec.
std::string cron_text(std::string const& image, std::string const& more = {}) {
    return R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"hello"},"spec":{"schedule":"* * * * *",)" +
           more +
           R"("jobTemplate":{"spec":{"backoffLimit":0,"template":{"spec":{"restartPolicy":"Never","containers":)" +
           R"([{"name":"main","image":")" + image + R"("}]}}}}}})";
}

awaitable<result<workload_change>> try_apply(sim::cluster& cluster, std::string definition) {
    auto parsed = parse_definition(definition);
    for (auto const& each : parsed.found) FAIL(to_string(each));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    co_return co_await std::move(applying);
}

awaitable<stored<workload>> apply(sim::cluster& cluster, std::string definition) {
    auto made = co_await try_apply(cluster, std::move(definition));
    if (!made) FAIL(to_string(made.error()));
    co_return made->row;
}

/// All Jobs that there are, by name.
awaitable<workloads> jobs(sim::cluster& cluster) {
    workload_filter filter;
    filter.chosen.fields.push_back({.field = "kind", .value = "Job"});
    auto listed = co_await cluster.api().workloads().list(caller(), std::move(filter), page());
    REQUIRE(listed.has_value());
    co_return std::move(listed->rows);
}

awaitable<workload_story> story(sim::cluster& cluster) {
    object_ref which("hello", workload_kind::cron_job);
    auto told = co_await cluster.api().workloads().story(caller(), std::move(which));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

awaitable<std::size_t> count_events(sim::cluster& cluster, std::string reason) {
    auto const events = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(events.has_value());
    auto const has = [&](auto const& each) { return each->json.find("\"" + reason + "\"") != std::string::npos; };
    co_return static_cast<std::size_t>(std::ranges::count_if(events->rows, has));
}

awaitable<> remove(sim::cluster& cluster, std::string name, cascade of_instances = cascade::all) {
    object_ref which(std::move(name), workload_kind::cron_job);
    remove_options const how(any_revision, of_instances);
    auto const removed = co_await cluster.api().workloads().remove(caller(), std::move(which), how);
    REQUIRE(removed.has_value());
}

awaitable<> until_gone(sim::cluster& cluster, sim::world& world) {
    for (int tries = 0; tries < 400; ++tries) {
        auto const left = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
        if (left->rows.empty()) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("workloads are left");
}

/// The names of the runs of `minutes` whole minutes after `after`.
std::set<std::string> names_after(wall_time after, int minutes) {
    std::set<std::string> names;
    auto const first = std::chrono::ceil<std::chrono::minutes>(after);
    for (int i = 0; i < minutes; ++i) names.insert(cron_run_name("hello", first + std::chrono::minutes(i)));
    return names;
}

std::set<std::string> names_of(workloads const& some) {
    std::set<std::string> names;
    for (auto const& each : some) names.insert(each->name);
    return names;
}

awaitable<> runs_and_remembers(sim::cluster& cluster, sim::world& world) {
    auto const cron = co_await apply(cluster, cron_text("good:1"));
    co_await world.time().sleep_for(6min + 30s);
    auto const kept = co_await jobs(cluster);
    REQUIRE(kept.size() == 3);
    for (auto const& each : kept) {
        CHECK(each->owner == cron->id);
        CHECK(each->annotations().contains(std::string(scheduled_at_annotation)));
    }
    auto const told = co_await story(cluster);
    REQUIRE(told.progress);
    REQUIRE(told.progress->cron);
    auto const last = std::chrono::floor<std::chrono::minutes>(world.time().wall());
    CHECK(told.progress->cron->last_run == wall_time(last));
    CHECK(told.progress->cron->next_run == wall_time(last + 1min));
    CHECK(told.progress->cron->active.empty());
    CHECK(told.progress->cron->last_success.has_value());
    CHECK(told.progress->state == workload_state::active);
    auto const seen = co_await count_events(cluster, "SawCompletedJob");
    CHECK(seen >= 6);
    CHECK(told.steps.size() >= 6);
    co_await remove(cluster, "hello");
    co_await cluster.until(sim::none_left);
    co_await until_gone(cluster, world);
    CHECK(cluster.unused_releases_count() == 0);
}

awaitable<> fails_and_remembers_one(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("bad:1"));
    co_await world.time().sleep_for(4min + 30s);
    auto const kept = co_await jobs(cluster);
    CHECK(kept.size() == 1);
    auto const told = co_await story(cluster);
    CHECK_FALSE(told.progress->cron->last_success);
}

/// Exactly one Job for each minute, although the primary dies around every start.
awaitable<> starts_each_run_once_through_crashes(sim::cluster& cluster, sim::world& world) {
    auto const cron = co_await apply(cluster, cron_text("good:1", R"("successfulJobsHistoryLimit":100,)"));
    auto const before = cron->created_at;
    constexpr int minutes = 20;
    for (int i = 0; i < minutes; ++i) {
        auto const due = std::chrono::ceil<std::chrono::minutes>(world.time().wall());
        auto const late = std::chrono::milliseconds(i * 3 - 6);  // before, at and after the start
        co_await world.time().sleep_for(due - world.time().wall() + late);
        co_await cluster.crash_primary();
        co_await world.time().sleep_for(200ms);
        co_await cluster.start_primary();
        co_await world.time().sleep_for(1s);
    }
    co_await world.time().sleep_for(10s);
    auto const all = co_await jobs(cluster);
    CHECK(names_of(all) == names_after(before, minutes));
    CHECK(all.size() == minutes);
}

/// What was started is known without its Job.
awaitable<> starts_nothing_again_that_was_deleted(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster,
                   R"({"apiVersion":"v1","kind":"CronJob","name":"hello","schedule":"*/10 * * * *",)"
                   R"("jobTemplate":{"template":{"spec":{"containers":[{"name":"main","image":"good:1"}]}}}})");
    co_await world.time().sleep_for(10min + 5s);
    auto const one = co_await jobs(cluster);
    REQUIRE(one.size() == 1);
    auto const removed = co_await cluster.api().workloads().remove(caller(), one.front()->id, any_revision);
    REQUIRE(removed.has_value());
    co_await cluster.until(sim::none_left);
    for (int i = 0; i < 2; ++i) {
        co_await cluster.crash_primary();
        co_await cluster.start_primary();
        co_await world.time().sleep_for(1min);
        auto const none = co_await jobs(cluster);
        CHECK(none.empty());
    }
    auto const told = co_await story(cluster);
    CHECK(told.progress->cron->last_run.has_value());
}

awaitable<> forbids_two_at_once(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("slow:1", R"("concurrencyPolicy":"Forbid","successfulJobsHistoryLimit":100,)"));
    co_await world.time().sleep_for(5min);
    auto const told = co_await story(cluster);
    CHECK(told.progress->held_up.find("waits for the end") != std::string::npos);
    co_await world.time().sleep_for(10min);
    auto const all = co_await jobs(cluster);
    CHECK(all.size() >= 5);  // one after the other, each of two and a half minutes
    CHECK(all.size() <= 7);
    auto const said = co_await count_events(cluster, "JobAlreadyActive");
    CHECK(said >= 4);
}

awaitable<> replaces_what_runs(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("slow:1", R"("concurrencyPolicy":"Replace",)"));
    co_await world.time().sleep_for(5min + 45s);
    auto const all = co_await jobs(cluster);
    CHECK(all.size() == 1);  // none has come to its end
    co_await cluster.until(sim::all_running(1));
    auto const replaced = co_await count_events(cluster, "Replaced");
    CHECK(replaced >= 4);
}

awaitable<> leaves_its_jobs(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("slow:1"));
    co_await world.time().sleep_for(2min + 5s);
    co_await cluster.until(sim::all_running(2));
    co_await remove(cluster, "hello", cascade::orphan);
    auto const left = co_await jobs(cluster);
    REQUIRE(left.size() == 2);
    for (auto const& each : left) CHECK_FALSE(each->owner);
    object_ref which("hello", workload_kind::cron_job);
    auto const gone = co_await cluster.api().workloads().get(caller(), std::move(which));
    CHECK_FALSE(gone.has_value());
    co_await world.time().sleep_for(5min);
    auto const still = co_await jobs(cluster);
    CHECK(still.size() == 2);
}

awaitable<> is_deleted_while_it_runs(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("slow:1"));
    co_await world.time().sleep_for(2min + 5s);
    co_await remove(cluster, "hello");
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await cluster.until(sim::none_left);
    co_await until_gone(cluster, world);
}

awaitable<> misses_one_while_it_is_suspended(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("good:1", R"("suspend":true,)"));
    co_await world.time().sleep_for(30min);
    auto const none = co_await jobs(cluster);
    CHECK(none.empty());
    object_ref which("hello");
    auto const resumed = co_await cluster.api().upkeep().resume(caller(), std::move(which), any_revision);
    REQUIRE(resumed.has_value());
    CHECK_FALSE((*resumed)->definition->upkeep.cron->is_suspended);
    co_await world.time().sleep_for(1s);
    auto const one = co_await jobs(cluster);
    CHECK(one.size() == 1);
    object_ref again("hello");
    auto const paused = co_await cluster.api().upkeep().pause(caller(), std::move(again), any_revision);
    REQUIRE(paused.has_value());
    co_await world.time().sleep_for(10min);
    auto const still = co_await jobs(cluster);
    CHECK(still.size() == 1);
}

awaitable<> is_started_by_hand(sim::cluster& cluster, sim::world& world) {
    auto const cron = co_await apply(cluster, cron_text("good:1", R"("suspend":true,)"));
    object_ref which("hello");
    auto const made = co_await cluster.api().workloads().start_job(caller(), which, "now");
    REQUIRE(made.has_value());
    CHECK((*made)->owner == cron->id);
    CHECK((*made)->annotations() == string_map{{"cronjob.kubernetes.io/instantiate", "manual"}});
    auto const twice = co_await cluster.api().workloads().start_job(caller(), which, "now");
    REQUIRE_FALSE(twice.has_value());
    CHECK(twice.error().code == errc::conflict);
    auto const other = co_await cluster.api().workloads().start_job(caller(), which, std::string());
    REQUIRE(other.has_value());
    CHECK((*other)->name.starts_with("hello-"));
    object_ref job("now");
    auto const of_job = co_await cluster.api().workloads().start_job(caller(), std::move(job), std::string());
    REQUIRE_FALSE(of_job.has_value());
    CHECK(of_job.error().code == errc::conflict);
    co_await world.time().sleep_for(20s);
    auto const told = co_await story(cluster);
    CHECK(told.progress->cron->last_success.has_value());
    CHECK_FALSE(told.progress->cron->last_run);
}

/// Timers go by the other clock: what the wall clock says is looked at every minute.
awaitable<> follows_the_wall_clock(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster,
                   R"({"apiVersion":"v1","kind":"CronJob","name":"hello","schedule":"0 * * * *",)"
                   R"("jobTemplate":{"template":{"spec":{"containers":[{"name":"main","image":"good:1"}]}}}})");
    co_await world.time().sleep_for(5min);
    auto const none = co_await jobs(cluster);
    CHECK(none.empty());
    world.set_wall(3h);
    co_await world.time().sleep_for(2min);
    auto const forward = co_await jobs(cluster);
    CHECK(forward.size() == 1);  // the newest of three
    world.set_wall(-2h);
    co_await world.time().sleep_for(90min);
    auto const back = co_await jobs(cluster);
    CHECK(back.size() == 1);  // these times were started already, or are before them
    co_await world.time().sleep_for(90min);
    auto const after = co_await jobs(cluster);
    CHECK(after.size() == 2);
}

awaitable<> refuses_zones_that_are_not_known(sim::cluster& cluster, sim::world& world) {
    auto const refused = co_await try_apply(cluster, cron_text("good:1", R"("timeZone":"Europe/Berlyn",)"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::invalid);
    CHECK(refused.error().remedy == "did you mean Europe/Berlin?");
    co_await apply(cluster, cron_text("good:1", R"("timeZone":"Europe/Berlin",)"));
    object_ref which("hello");
    auto changing = cluster.api().workloads().change(caller(), std::move(which), R"({"spec":{"timeZone":"Mars"}})",
                                                     change_options());
    auto const changed = co_await std::move(changing);
    REQUIRE_FALSE(changed.has_value());
    CHECK(changed.error().field == "spec.timeZone");
    co_await world.time().sleep_for(1s);
}

awaitable<> goes_with_its_tenant(sim::cluster& cluster, sim::world& world) {
    new_tenant team{.name = "team"};
    auto const made = co_await cluster.api().tenants().create(caller(), std::move(team));
    REQUIRE(made.has_value());
    auto text = cron_text("slow:1");
    text.insert(text.find(R"("name":"hello")"), R"("namespace":"team",)");
    co_await apply(cluster, std::move(text));
    co_await world.time().sleep_for(2min + 10s);
    auto const there = co_await jobs(cluster);
    CHECK(there.size() == 2);
    for (auto const& each : there) CHECK(each->tenant == "team");
    object_ref which("team");
    auto const removed = co_await cluster.api().tenants().remove(caller(), std::move(which), any_revision);
    REQUIRE(removed.has_value());
    co_await cluster.until(sim::none_left);
    co_await until_gone(cluster, world);
    object_ref again("team");
    co_await world.time().sleep_for(1s);
    auto const gone = co_await cluster.api().tenants().get(caller(), std::move(again));
    CHECK_FALSE(gone.has_value());
}

awaitable<> makes_functions(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, R"({"apiVersion":"v1","kind":"CronJob","name":"hello","schedule":"* * * * *",
        "jobTemplate":{"template":{"spec":{"function":{"execution":{"rootfs":"docker://good:1"}}}}}})");
    co_await world.time().sleep_for(2min + 30s);
    auto const told = co_await story(cluster);
    CHECK(told.progress->cron->last_success.has_value());
    auto const all = co_await jobs(cluster);
    REQUIRE(all.size() == 2);
    for (auto const& each : all) CHECK(each->definition->spec.form == instance_form::function);
}

/// Its name stands for the run: somebody else's Job of that name is left alone.
awaitable<> leaves_a_taken_name_alone(sim::cluster& cluster, sim::world& world) {
    auto const due = std::chrono::ceil<std::chrono::minutes>(world.time().wall() + 1s);
    auto const name = cron_run_name("hello", due);
    co_await apply(cluster, R"({"apiVersion":"v1","kind":"Job","name":")" + name +
                                R"(","template":{"spec":{"containers":[{"name":"main","image":"slow:1"}]}}})");
    co_await apply(cluster, cron_text("good:1"));
    co_await world.time().sleep_for(due - world.time().wall() + 10s);
    auto const one = co_await jobs(cluster);
    REQUIRE(one.size() == 1);
    CHECK_FALSE(one.front()->owner);
    auto const said = co_await count_events(cluster, "FailedCreate");
    CHECK(said == 1);
    co_await world.time().sleep_for(1min);
    auto const two = co_await jobs(cluster);
    CHECK(two.size() == 2);
}

/// What its Jobs leave behind is bounded, however long it goes on: else it would take the story of all others.
awaitable<> leaves_the_events_of_others(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, cron_text("good:1"));
    co_await world.time().sleep_for(5h);
    auto const events = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(events.has_value());
    auto const ended = co_await count_events(cluster, "SawCompletedJob");
    CHECK(ended > 0);
    constexpr std::size_t others = 100;  // its own, and those of nodes
    CHECK(events->rows.size() > limits::events_per_owner_max / 2);
    CHECK(events->rows.size() <= limits::events_per_owner_max + others);
}

}  // namespace

TEST_CASE("a CronJob starts Jobs, and remembers the newest", "[sim][cron]") { simulate(runs_and_remembers); }
TEST_CASE("a CronJob remembers fewer Jobs that failed", "[sim][cron]") { simulate(fails_and_remembers_one); }
TEST_CASE("each run is started once while the primary dies around its start", "[sim][cron]") {
    simulate(starts_each_run_once_through_crashes);
}
TEST_CASE("a run whose Job was deleted is not started again after a crash", "[sim][cron]") {
    simulate(starts_nothing_again_that_was_deleted);
}
TEST_CASE("Forbid never has two runs at once, and starts the newest", "[sim][cron]") { simulate(forbids_two_at_once); }
TEST_CASE("Replace ends what runs, and starts the next", "[sim][cron]") { simulate(replaces_what_runs); }
TEST_CASE("a CronJob that is deleted may leave its Jobs", "[sim][cron]") { simulate(leaves_its_jobs); }
TEST_CASE("a CronJob that is deleted takes its Jobs along, also after a crash", "[sim][cron]") {
    simulate(is_deleted_while_it_runs);
}
TEST_CASE("of what was missed while it was suspended one run is started", "[sim][cron]") {
    simulate(misses_one_while_it_is_suspended);
}
TEST_CASE("a user starts a Job of a CronJob", "[sim][cron]") { simulate(is_started_by_hand); }
TEST_CASE("a CronJob follows the wall clock when that is set", "[sim][cron]") { simulate(follows_the_wall_clock); }
TEST_CASE("a time zone that is not known is refused", "[sim][cron]") { simulate(refuses_zones_that_are_not_known); }
TEST_CASE("a CronJob and its Jobs go with their tenant", "[sim][cron]") { simulate(goes_with_its_tenant); }
TEST_CASE("a CronJob of Functions", "[sim][cron]") { simulate(makes_functions); }
TEST_CASE("a run whose name is taken is lost, and said so", "[sim][cron]") { simulate(leaves_a_taken_name_alone); }

TEST_CASE("the events of a CronJob's Jobs are bounded together", "[sim][cron]") {
    simulate(leaves_the_events_of_others);
}
