// Jobs on the real roles in virtual time: they come to their ends, and count exactly, whatever dies meanwhile.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;
using enum workload_condition_type;

namespace {

using rows = std::vector<stored<instance>>;
using scenario = awaitable<> (*)(sim::cluster&, sim::world&);

sim::image_behaviour ends_after(duration length, int code) {
    sim::image_behaviour how;
    how.runs_for = length;
    how.exit_code = code;
    return how;
}

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    for (std::size_t i = 0; i < cluster.node_count(); ++i) {
        cluster.node(i).set_behaviour("good:1", ends_after(2s, 0));
        cluster.node(i).set_behaviour("docker://good:1", ends_after(2s, 0));
        cluster.node(i).set_behaviour("bad:1", ends_after(1s, 7));
        cluster.node(i).set_behaviour("long:1", ends_after(10min, 0));
    }
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

void simulate(scenario what, std::size_t nodes = 2, bool is_checked = true) {
    sim::world world(42);
    sim::cluster_options options;
    options.nodes = nodes;
    options.is_checked = is_checked;
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, what));
}

/// In Kubernetes' form; `more` stands in spec.
std::string job_text(std::string const& image, std::string const& more = {}, std::string const& restart = "Never") {
    return R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"work"},"spec":{)" + more +
           R"("template":{"spec":{"restartPolicy":")" + restart + R"(","containers":[{"name":"main","image":")" +
           image + R"(","resources":{"requests":{"cpu":"50m"}}}]}}}})";
}

awaitable<workload_change> apply(sim::cluster& cluster, std::string definition) {
    auto parsed = parse_definition(definition);
    for (auto const& each : parsed.found) FAIL(to_string(each));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto made = co_await std::move(applying);
    if (!made) FAIL(to_string(made.error()));
    co_return std::move(*made);
}

awaitable<workload_story> story(sim::cluster& cluster) {
    object_ref which("work");
    auto told = co_await cluster.api().workloads().story(caller(), std::move(which));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

awaitable<rows> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return listed->rows;
}

awaitable<workload_story> until_holds(sim::cluster& cluster, sim::world& world, workload_condition_type type) {
    for (int tries = 0; tries < 40'000; ++tries) {
        if (cluster.has_primary()) {
            auto told = co_await story(cluster);
            if (told.progress && told.progress->holds(type)) co_return told;
        }
        co_await world.time().sleep_for(250ms);
    }
    FAIL("it does not become " << to_string(type));
    co_return workload_story();
}

/// What a Job has left belongs to whoever adopts it: its end is counted for nobody.
awaitable<> leaves_what_another_adopts(sim::cluster& cluster, sim::world& world) {
    auto text = job_text("good:1", R"("completions":2,"parallelism":2,)");
    text.insert(text.find(R"("spec":{"restartPolicy")"), R"("metadata":{"labels":{"app":"web"}},)");
    co_await apply(cluster, std::move(text));
    co_await cluster.until(sim::all_running(2));
    object_ref all("work");
    remove_options const how(any_revision, cascade::orphan);
    auto const removed = co_await cluster.api().workloads().remove(caller(), std::move(all), how);
    REQUIRE(removed.has_value());
    auto const heir = co_await apply(
        cluster, R"({"apiVersion":"v1","kind":"ReplicaSet","name":"heir","replicas":2,"selector":{"matchLabels":)"
                 R"({"app":"web"}},"template":{"labels":{"app":"web"},"spec":{"containers":[{"name":"main",)"
                 R"("image":"long:1"}]}}})");
    std::function<bool(rows const&)> const are_replaced = [](rows const& seen) {
        auto const is_new = [](auto const& row) {
            return row->owner() && row->made_from()->definition->kind == workload_kind::replica_set &&
                   row->state() == instance_state::running;
        };
        return std::ranges::count_if(seen, is_new) == 2;
    };
    co_await cluster.until(are_replaced);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), heir.row->id, any_revision);
    CHECK(deleted.has_value());
    co_await world.time().sleep_for(5s);
    CHECK(cluster.has_primary());
}

awaitable<> comes_to_its_end(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("good:1", R"("completions":7,"parallelism":3,)"));
    auto const told = co_await until_holds(cluster, world, complete);
    CHECK(told.counts->succeeded == 7);
    CHECK(told.counts->failed == 0);
    CHECK(told.progress->state == workload_state::succeeded);
    CHECK(told.progress->job->finished_at.has_value());
    auto const ended = co_await instances(cluster);
    CHECK(ended.size() == 7);  // they stay, for their logs
    for (auto const& row : ended) {
        CHECK(row->state() == instance_state::succeeded);
        CHECK(row->labels().at("job-name") == "work");
    }
    object_ref all("work");
    auto const deleted = co_await cluster.api().workloads().remove(caller(), std::move(all), any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    CHECK(cluster.unused_releases_count() == 0);
}

awaitable<> fails(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("bad:1", R"("backoffLimit":2,)"));
    auto const begun = world.time().now();
    auto const told = co_await until_holds(cluster, world, failed);
    CHECK(told.progress->find(failed)->reason == "BackoffLimitExceeded");
    CHECK(told.counts->failed == 3);
    CHECK(told.progress->state == workload_state::failed);
    CHECK(world.time().now() - begun > 30s);  // pauses of 10 s and 20 s
    REQUIRE(told.counts->failures.size() == 3);
    CHECK(told.counts->failures[2].exit_code == 7);
    CHECK(told.counts->failures[2].container == "main");
    CHECK(std::ranges::any_of(told.steps, [](auto const& each) { return each.what.starts_with("Failed: "); }));
    auto const events = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(events.has_value());
    CHECK(std::ranges::any_of(
        events->rows, [](auto const& each) { return each->json.find("BackoffLimitExceeded") != std::string::npos; }));
}

/// Every role dies, again and again.
awaitable<> counts_through_crashes(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("good:1", R"("completions":40,"parallelism":4,"completionMode":"Indexed",)"));
    for (int i = 0; i < 12; ++i) {
        co_await world.time().sleep_for(700ms);
        switch (i % 3) {
            case 0:
                co_await cluster.crash_primary();
                co_await world.time().sleep_for(150ms);
                co_await cluster.start_primary();
                break;
            case 1:
                co_await cluster.crash_scheduler();
                co_await world.time().sleep_for(150ms);
                co_await cluster.start_scheduler();
                break;
            default:
                co_await cluster.crash_node(0);
                co_await world.time().sleep_for(150ms);
                co_await cluster.start_node(0);
                break;
        }
    }
    auto const told = co_await until_holds(cluster, world, complete);
    CHECK(to_string(told.counts->completed) == "0-39");
    CHECK(told.counts->succeeded == 40);
    CHECK(told.progress->job->succeeded == 40);
}

awaitable<> is_suspended_and_resumed(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1", R"("completions":2,"parallelism":2,)"));
    co_await cluster.until(sim::all_running(2));
    object_ref which("work");
    auto const paused = co_await cluster.api().upkeep().pause(caller(), std::move(which), any_revision);
    REQUIRE(paused.has_value());
    CHECK((*paused)->definition->upkeep.job->is_suspended);
    co_await cluster.until(sim::none_left);
    auto const told = co_await until_holds(cluster, world, suspended);
    CHECK(told.counts.value_or(job_record()).failed == 0);
    CHECK(told.progress->state == workload_state::paused);
    object_ref again("work");
    auto const resumed = co_await cluster.api().upkeep().resume(caller(), std::move(again), any_revision);
    REQUIRE(resumed.has_value());
    auto const twice = co_await cluster.api().upkeep().resume(caller(), object_ref("work"), any_revision);
    REQUIRE(twice.has_error());
    CHECK(twice.error().code == errc::conflict);
    co_await cluster.until(sim::all_running(2));
    auto const done = co_await until_holds(cluster, world, complete);
    CHECK(done.counts->succeeded == 2);
    CHECK(done.counts->failed == 0);
    object_ref late("work");
    auto const refused = co_await cluster.api().upkeep().pause(caller(), std::move(late), any_revision);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::conflict);
    CHECK_FALSE(refused.error().remedy.empty());
}

awaitable<> goes_when_its_time_is_over(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("good:1", R"("ttlSecondsAfterFinished":30,)"));
    co_await until_holds(cluster, world, complete);
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(25s);
    auto const still = co_await story(cluster);
    CHECK(still.progress.has_value());
    co_await world.time().sleep_for(10s);
    object_ref which("work");
    auto const gone = co_await cluster.api().workloads().get(caller(), std::move(which));
    CHECK_FALSE(gone.has_value());
    co_await cluster.until(sim::none_left);
}

awaitable<> its_deadline_ends_it(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1", R"("activeDeadlineSeconds":20,"parallelism":2,"completions":2,)"));
    co_await cluster.until(sim::all_running(2));
    auto const told = co_await until_holds(cluster, world, failed);
    CHECK(told.progress->find(failed)->reason == "DeadlineExceeded");
    CHECK(told.counts->failed == 2);
    co_await cluster.until(sim::none_left);
}

awaitable<> a_rule_ends_it(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("bad:1", R"("podFailurePolicy":{"rules":[{"action":"FailJob",
        "onExitCodes":{"containerName":"main","operator":"In","values":[7]}}]},)"));
    auto const told = co_await until_holds(cluster, world, failed);
    CHECK(told.progress->find(failed)->reason == "PodFailurePolicy");
    CHECK(told.counts->failed == 1);
    CHECK(told.counts->failures.at(0).verdict.find("rule 0 of podFailurePolicy") != std::string::npos);
}

awaitable<> an_instance_is_lost_with_its_node(sim::cluster& cluster, sim::world&) {
    co_await apply(cluster, job_text("long:1", R"("podFailurePolicy":{"rules":[{"action":"Ignore",
        "onPodConditions":[{"type":"DisruptionTarget"}]}]},)"));
    co_await cluster.until(sim::all_running(1));
    auto const before = co_await instances(cluster);
    auto const first = before.front()->id();
    object_ref where(before.front()->binding()->node);
    drain_options const how{.forces = true};
    auto draining = cluster.api().nodes().drain(caller(), std::move(where), how);
    auto const drained = co_await std::move(draining);
    CHECK(drained.has_value());
    std::function<bool(rows const&)> is_replaced = [first](rows const& all) {
        return sim::all_running(1)(all) && all.front()->id() != first;
    };
    co_await cluster.until(std::move(is_replaced));
    auto const told = co_await story(cluster);
    CHECK(told.counts->ignored == 1);
    CHECK(told.counts->failed == 0);
}

std::size_t busy_node(sim::cluster& cluster) {
    for (std::size_t i = 0; i < cluster.node_count(); ++i)
        if (!cluster.node(i).running().empty()) return i;
    FAIL("nothing runs");
    return 0;
}

/// Its loss is counted before anything takes its place: here nothing does.
awaitable<> loses_all_that_it_bears(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1", R"("backoffLimit":0,)"));
    co_await cluster.until(sim::all_running(1));
    auto const where = busy_node(cluster);
    co_await cluster.power_off(where);
    auto const told = co_await until_holds(cluster, world, failure_target);
    CHECK(told.progress->find(failure_target)->reason == "BackoffLimitExceeded");
    CHECK(told.counts->failed == 1);
    CHECK(told.counts->failures.at(0).verdict.find("has not been heard for") != std::string::npos);
    auto const all = co_await instances(cluster);
    CHECK(all.size() == 1);
    co_await world.time().sleep_for(1min);
    auto const waiting = co_await story(cluster);
    auto const node = "node-" + std::to_string(where);
    CHECK(waiting.progress->held_up == all.front()->name() + " is on node " + node +
                                           ", which is not heard: the Job has not failed for good until the node says "
                                           "that it is gone; if the node is lost for good: rikctl node declare-dead " +
                                           node);
    co_await cluster.start_node(where);
    auto const ended = co_await until_holds(cluster, world, failed);
    CHECK(ended.counts->failed == 1);
    CHECK(ended.progress->held_up.empty());
}

awaitable<> is_replaced_after_a_pause(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1"));
    co_await cluster.until(sim::all_running(1));
    co_await cluster.power_off(busy_node(cluster));
    co_await world.time().sleep_for(290s);
    std::function<bool(rows const&)> is_lost = [](rows const& all) { return all.front()->is_condemned(); };
    co_await cluster.until(std::move(is_lost));
    auto const lost_at = world.time().wall();
    std::function<bool(rows const&)> is_replaced = [](rows const& all) { return all.size() == 2; };
    co_await cluster.until(std::move(is_replaced));
    CHECK(world.time().wall() - lost_at >= 9s);  // the pause after a first failure is 10 s
    auto const told = co_await story(cluster);
    CHECK(told.counts->failed == 1);
}

awaitable<> is_not_replaced_before_it_is_gone(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1", R"("podReplacementPolicy":"Failed",)"));
    co_await cluster.until(sim::all_running(1));
    auto const before = co_await instances(cluster);
    auto const first = before.front()->id();
    auto const where = busy_node(cluster);
    co_await cluster.power_off(where);
    co_await world.time().sleep_for(290s);
    std::function<bool(rows const&)> is_lost = [](rows const& all) { return all.front()->is_condemned(); };
    co_await cluster.until(std::move(is_lost));
    co_await world.time().sleep_for(1h);
    auto const waiting = co_await story(cluster);
    auto const& why = waiting.progress->held_up;
    CHECK(why.find("node-" + std::to_string(where) + ", which is not heard: nothing takes its place") != why.npos);
    co_await cluster.start_node(where);
    std::function<bool(rows const&)> is_replaced = [first](rows const& all) {
        return sim::all_running(1)(all) && all.front()->id() != first;
    };
    co_await cluster.until(std::move(is_replaced));
    auto const after = co_await story(cluster);
    CHECK(after.progress->held_up.find("not heard") == std::string::npos);
}

/// Never more than its parallelism, as the checker sees at every commit; and cheap.
awaitable<> has_many_completions(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("good:1", R"("completions":1500,"parallelism":150,"completionMode":"Indexed",)"));
    auto const told = co_await until_holds(cluster, world, complete);
    CHECK(to_string(told.counts->completed) == "0-1499");
    CHECK(told.counts->succeeded == 1500);
    auto const kept = co_await instances(cluster);
    CHECK(kept.size() <= 1000);  // limits::finished_instances_per_owner_max
}

awaitable<> has_20000_completions(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("good:1", R"("completions":20000,"parallelism":400,"completionMode":"Indexed",)"));
    auto const told = co_await until_holds(cluster, world, complete);
    CHECK(to_string(told.counts->completed) == "0-19999");
    CHECK(told.counts->succeeded == 20'000);
}

awaitable<> of_microvms(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, R"({"apiVersion":"v1","kind":"Job","name":"work","completions":3,"parallelism":2,
        "template":{"spec":{"function":{"execution":{"rootfs":"docker://good:1"}}}}})");
    auto const told = co_await until_holds(cluster, world, complete);
    CHECK(told.counts->succeeded == 3);
    auto const all = co_await instances(cluster);
    for (auto const& row : all) CHECK(row->spec().form == instance_form::function);
}

awaitable<> some_fields_stay(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, job_text("long:1", R"("completions":4,)"));
    for (auto const* other : {R"("completions":5,)", R"("completions":4,"podReplacementPolicy":"Failed",)"}) {
        auto parsed = parse_definition(job_text("long:1", other));
        auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
        auto const refused = co_await std::move(applying);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == errc::invalid);
    }
    auto many = parse_definition(
        job_text("long:1", R"("completions":100001,"completionMode":"Indexed","backoffLimitPerIndex":1,)"));
    CHECK(many.found.empty());  // a stored text is read for ever
    many.definition.name = "many";
    auto creating = cluster.api().workloads().create(caller(), std::move(many.definition));
    auto const too_many = co_await std::move(creating);
    REQUIRE_FALSE(too_many.has_value());
    CHECK(too_many.error().field == "spec.maxFailedIndexes");
    auto const more = co_await apply(cluster, job_text("long:1", R"("completions":4,"parallelism":3,)"));
    CHECK(more.row->definition->upkeep.job->parallelism == 3);
    co_await cluster.until(sim::all_running(3));
    co_await world.time().sleep_for(1s);
}

}  // namespace

TEST_CASE("a Job comes to its end, and its instances stay", "[sim][job]") { simulate(comes_to_its_end); }
TEST_CASE("what a Job leaves behind ends as that of whoever adopts it", "[sim][job]") {
    simulate(leaves_what_another_adopts);
}
TEST_CASE("a Job that fails tells its story", "[sim][job]") { simulate(fails); }
TEST_CASE("a Job counts exactly while every role dies", "[sim][job]") { simulate(counts_through_crashes); }
TEST_CASE("a Job is suspended and resumed", "[sim][job]") { simulate(is_suspended_and_resumed); }
TEST_CASE("a Job goes when its time to live has passed, also after a crash", "[sim][job]") {
    simulate(goes_when_its_time_is_over);
}
TEST_CASE("a Job that takes too long fails", "[sim][job]") { simulate(its_deadline_ends_it); }
TEST_CASE("a rule about an exit code fails a Job", "[sim][job]") { simulate(a_rule_ends_it); }
TEST_CASE("a disruption is ignored where a rule says so", "[sim][job]") { simulate(an_instance_is_lost_with_its_node); }
TEST_CASE("a Job that is lost with its node is not tried again beyond its limit", "[sim][job]") {
    simulate(loses_all_that_it_bears);
}
TEST_CASE("a Job that is lost with its node is tried again after a pause", "[sim][job]") {
    simulate(is_replaced_after_a_pause);
}
TEST_CASE("a Job that replaces only what is gone says for which node it waits", "[sim][job]") {
    simulate(is_not_replaced_before_it_is_gone);
}
TEST_CASE("a Job of many completions", "[sim][job]") { simulate(has_many_completions, 3); }
TEST_CASE("a Job of very many completions", "[.][sim][job]") { simulate(has_20000_completions, 8, false); }
TEST_CASE("a Job of microVMs comes to its end", "[sim][job]") { simulate(of_microvms); }
TEST_CASE("what a Job has counted by does not change", "[sim][job]") { simulate(some_fields_stay); }
