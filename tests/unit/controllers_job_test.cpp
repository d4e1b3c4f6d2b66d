// What the controller of Jobs decides, and how ends are counted.
#include <rik/controllers/controller.hpp>

#include "support/catch.hpp"
#include "support/job_cluster.hpp"

#include <algorithm>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;
using enum workload_condition_type;

namespace {

std::string reason_of(job_cluster const& of, workload_condition_type type) {
    auto const* const found = of.progress().find(type);
    return found != nullptr && found->status == condition_status::yes ? found->reason : std::string();
}

std::vector<std::uint32_t> indexes_of(workload_plan const& plan) {
    std::vector<std::uint32_t> all;
    for (auto const& each : plan.creations) all.push_back(each.index.value());
    return all;
}

using indexes = std::vector<std::uint32_t>;

/// Runs what is missing and ends all that runs with `exit_code`.
void run_round(job_cluster& job, int exit_code) {
    job.settle();
    job.start_all();
    for (auto const& each : job.active()) job.finish(each, exit_code);
}

/// Ends it: what is condemned goes.
void clear(job_cluster& job) {
    for (auto const& each : job.leaving()) job.take_away(each);
}

}  // namespace

TEST_CASE("a Job runs as many at a time as it says, until enough have succeeded", "[controllers][job]") {
    job_cluster job(R"("completions":5,"parallelism":2)");
    REQUIRE(job.found().empty());
    CHECK(job.plan().creations.size() == 2);
    for (int i = 0; i < 2; ++i) run_round(job, 0);
    CHECK(job.counts().succeeded == 4);
    CHECK(job.plan().creations.size() == 1);
    run_round(job, 0);
    auto const last = job.plan();
    CHECK(last.creations.empty());
    CHECK(reason_of(job, complete) == "CompletionsReached");
    CHECK(reason_of(job, success_criteria_met) == "CompletionsReached");
    CHECK(last.progress.state == workload_state::succeeded);
    CHECK(last.progress.job->succeeded == 5);
    CHECK(last.progress.job->finished_at == job.now());
    CHECK(job.plan().changes_nothing());
}

TEST_CASE("an end is counted once, however often it is reported and whatever happens to its row",
          "[controllers][job]") {
    job_cluster job(R"("completions":3,"parallelism":3)");
    job.settle();
    job.start_all();
    auto const some = job.active();
    job.finish(some[0], 0);
    job.finish(some[1], 1);
    for (int i = 0; i < 3; ++i)
        for (auto const* each : {&some[0], &some[1]}) job.report_again(*each);
    job.condemn(some[0], false);
    job.take_away(some[1]);
    job.take_away(some[0]);
    CHECK(job.counts().succeeded == 1);
    CHECK(job.counts().failed == 1);
}

TEST_CASE("more failures than are borne end a Job, and what runs goes and counts as failed", "[controllers][job]") {
    job_cluster job(R"("completions":4,"parallelism":2,"backoffLimit":1)");
    job.settle();
    job.start_all();
    auto const first = job.active();
    job.finish(first[0], 1);
    CHECK(job.plan().progress.state == workload_state::active);
    job.finish(first[1], 7);
    auto const plan = job.plan();
    CHECK(reason_of(job, failure_target) == "BackoffLimitExceeded");
    CHECK(reason_of(job, failed) == "BackoffLimitExceeded");
    CHECK(plan.progress.state == workload_state::failed);
    CHECK(plan.creations.empty());
    REQUIRE(job.counts().failures.size() == 2);
    auto const& told = job.counts().failures.back();
    CHECK(told.number == 2);
    CHECK(told.container == "main");
    CHECK(told.exit_code == 7);
    CHECK(told.instance == job.find(first[1])->name());
}

TEST_CASE("a Job has failed only when nothing of it runs any more", "[controllers][job]") {
    job_cluster job(R"("completions":4,"parallelism":3,"backoffLimit":0)");
    job.settle();
    job.start_all();
    job.finish(job.active()[0], 1);
    auto const plan = job.plan();
    CHECK(plan.removals.size() == 2);
    CHECK_FALSE(plan.removals[0].is_excused);
    CHECK(reason_of(job, failure_target) == "BackoffLimitExceeded");
    CHECK(reason_of(job, failed).empty());
    job.carry_out(plan);
    CHECK(job.counts().failed == 3);
    job.plan();
    CHECK(reason_of(job, failed).empty());
    clear(job);
    job.plan();
    CHECK(reason_of(job, failed) == "BackoffLimitExceeded");
    CHECK(job.counts().failed == 3);
}

TEST_CASE("what has failed is tried again after a pause that grows to ten minutes", "[controllers][job]") {
    job_cluster job(R"("backoffLimit":100)");
    for (auto const pause : {10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s}) {
        run_round(job, 1);
        auto const waits = job.plan();
        CHECK(waits.creations.empty());
        REQUIRE(waits.look_again.has_value());
        CHECK(*waits.look_again == job.now() + pause);
        job.pass(pause - 1us);
        CHECK(job.plan().creations.empty());
        job.pass(1us);
        CHECK(job.plan().creations.size() == 1);
    }
}

TEST_CASE("a success ends the row of failures", "[controllers][job]") {
    job_cluster job(R"("completions":5)");
    run_round(job, 1);
    job.pass(10s);
    run_round(job, 1);
    CHECK(job.counts().failures_in_row == 2);
    job.pass(20s);
    run_round(job, 0);
    CHECK(job.plan().creations.size() == 1);
    run_round(job, 1);
    CHECK(job.plan().look_again == job.now() + 10s);
}

TEST_CASE("a node whose clock is ahead delays no retry", "[controllers][job]") {
    job_cluster job("");
    run_round(job, 1);
    job.counts().last_failure_at = job.now() + 5h;
    CHECK(job.plan().look_again == job.now() + 10s);
}

TEST_CASE("with OnFailure restarts count towards the limit", "[controllers][job]") {
    job_cluster job(R"("backoffLimit":3)", "OnFailure");
    job.settle();
    job.start_all();
    auto const one = job.active().front();
    job.restart_containers(one, 2);
    CHECK(job.plan().removals.empty());
    job.restart_containers(one, 3);
    auto const plan = job.plan();
    CHECK(plan.removals.size() == 1);
    CHECK(reason_of(job, failure_target) == "BackoffLimitExceeded");
    CHECK(job.progress().find(failure_target)->message ==
          "Job has reached the specified backoff limit: 3 restarts, and backoffLimit is 3");
    job.carry_out(plan);
    auto const& told = job.counts().failures.at(0);
    CHECK(told.container == "main");
    CHECK(told.exit_code == 3);
    CHECK(told.verdict.find("failure 1, backoffLimit is 3; attempt 4") != std::string::npos);

    job_cluster none(R"("backoffLimit":0)", "OnFailure");
    none.settle();
    none.start_all();
    CHECK(none.plan().removals.empty());
    none.restart_containers(none.active().front(), 1);
    CHECK(none.plan().removals.size() == 1);
}

TEST_CASE("a deadline ends a Job, and suspending it stops the clock", "[controllers][job]") {
    job_cluster job(R"("activeDeadlineSeconds":60)");
    auto const first = job.plan();
    CHECK(first.look_again == job.now() + 60s);
    job.carry_out(first);
    job.start_all();
    job.pass(59s);
    job.change([](job_upkeep& to) { to.is_suspended = true; });
    auto const suspending = job.plan();
    REQUIRE(suspending.removals.size() == 1);
    CHECK(suspending.removals[0].is_excused);
    CHECK(suspending.progress.state == workload_state::paused);
    CHECK(reason_of(job, suspended) == "JobSuspended");
    CHECK_FALSE(suspending.progress.job->started_at.has_value());
    job.carry_out(suspending);
    clear(job);
    CHECK(job.counts().failed == 0);
    job.pass(1h);
    CHECK(job.plan().changes_nothing());
    job.change([](job_upkeep& to) { to.is_suspended = false; });
    auto const resumed = job.plan();
    CHECK(resumed.creations.size() == 1);
    CHECK(resumed.progress.job->started_at == job.now());
    CHECK(resumed.progress.state == workload_state::active);
    CHECK(resumed.progress.find(suspended)->status == condition_status::no);
    CHECK(resumed.look_again == job.now() + 60s);
    job.carry_out(resumed);
    job.pass(60s);
    job.plan();
    CHECK(reason_of(job, failure_target) == "DeadlineExceeded");
}

TEST_CASE("a Job that is made suspended makes nothing", "[controllers][job]") {
    job_cluster job(R"("suspend":true)");
    auto const plan = job.plan();
    CHECK(plan.creations.empty());
    CHECK(plan.progress.state == workload_state::paused);
}

TEST_CASE("a finished Job goes when its time to live has passed", "[controllers][job]") {
    job_cluster job(R"("ttlSecondsAfterFinished":30)");
    run_round(job, 0);
    auto const done = job.plan();
    CHECK_FALSE(done.is_over);
    CHECK(done.look_again == job.now() + 30s);
    job.pass(29s);
    CHECK_FALSE(job.plan().is_over);
    job.pass(1s);
    CHECK(job.plan().is_over);

    job_cluster at_once(R"("ttlSecondsAfterFinished":0)");
    run_round(at_once, 0);
    at_once.plan();
    CHECK(at_once.plan().is_over);
}

TEST_CASE("parallelism may change at any time, and what goes for it does not count", "[controllers][job]") {
    job_cluster job(R"("completions":9,"parallelism":4)");
    job.settle();
    job.start_all();
    job.change([](job_upkeep& to) { to.parallelism = 1; });
    auto const plan = job.plan();
    CHECK(plan.removals.size() == 3);
    CHECK(plan.removals[0].is_excused);
    job.carry_out(plan);
    clear(job);
    CHECK(job.counts().failed == 0);
    job.change([](job_upkeep& to) { to.parallelism = 0; });
    CHECK(job.plan().removals.size() == 1);
}

TEST_CASE("a work queue is done when one has succeeded and no other is left", "[controllers][job]") {
    job_cluster job(R"("parallelism":3)");
    CHECK(job.plan().creations.size() == 3);
    job.settle();
    job.start_all();
    auto const some = job.active();
    job.finish(some[0], 0);
    CHECK(job.plan().changes_nothing());
    job.finish(some[1], 1);
    job.pass(1h);
    CHECK(job.plan().creations.empty());
    CHECK(reason_of(job, complete).empty());
    job.finish(some[2], 0);
    job.plan();
    CHECK(reason_of(job, complete) == "CompletionsReached");
}

TEST_CASE("a Job of no completions is complete at once", "[controllers][job]") {
    job_cluster job(R"("completions":0)");
    job.plan();
    CHECK(reason_of(job, complete) == "CompletionsReached");
}

TEST_CASE("indexes are given from the lowest on, and one success of each counts", "[controllers][job]") {
    job_cluster job(R"("completions":5,"parallelism":2,"completionMode":"Indexed")");
    CHECK(indexes_of(job.plan()) == indexes{0, 1});
    job.settle();
    job.start_all();
    for (auto const& each : job.active())
        if (job.find(each)->index() == 1u) job.finish(each, 0);
    CHECK(indexes_of(job.plan()) == indexes{2});
    job.settle();
    job.start_all();
    for (auto const& each : job.active())
        if (job.find(each)->index() == 0u) job.finish(each, 1);
    CHECK(job.plan().creations.empty());  // it waits
    job.pass(10s);
    CHECK(indexes_of(job.plan()) == indexes{0});
    for (int i = 0; i < 3; ++i) run_round(job, 0);
    job.plan();
    CHECK(to_string(job.progress().job->completed_indexes) == "0-4");
    CHECK(job.progress().job->succeeded == 5);
    CHECK(reason_of(job, complete) == "CompletionsReached");
}

TEST_CASE("an indexed Job may grow and shrink", "[controllers][job]") {
    job_cluster job(R"("completions":4,"parallelism":4,"completionMode":"Indexed")");
    job.settle();
    job.start_all();
    for (auto const& each : job.active())
        if (*job.find(each)->index() == 3u) job.finish(each, 0);
    job.change([](job_upkeep& to) { to.completions = to.parallelism = 2; });
    auto const shrinks = job.plan();
    REQUIRE(shrinks.removals.size() == 1);
    CHECK(job.find(shrinks.removals[0].instance)->index() == 2u);
    CHECK(shrinks.removals[0].is_excused);
    CHECK(shrinks.progress.job->succeeded == 0);
    job.carry_out(shrinks);
    job.change([](job_upkeep& to) { to.completions = to.parallelism = 5; });
    CHECK(indexes_of(job.plan()) == indexes{2, 4});
}

TEST_CASE("each index bears its own failures", "[controllers][job]") {
    job_cluster job(R"("completions":3,"parallelism":3,"completionMode":"Indexed","backoffLimitPerIndex":1)");
    job.settle();
    job.start_all();
    auto const at = [&](std::uint32_t index) {
        for (auto const& each : job.active())
            if (job.find(each)->index() == index) return each;
        return instance_id();
    };
    job.finish(at(0), 0);
    job.finish(at(1), 1);
    CHECK(job.plan().creations.empty());
    CHECK(job.plan().look_again == job.now() + 10s);
    job.pass(10s);
    CHECK(indexes_of(job.plan()) == indexes{1});
    job.settle();
    job.start_all();
    job.finish(at(1), 1);
    CHECK(to_string(job.counts().failed_indexes) == "1");
    job.pass(1h);
    CHECK(job.plan().creations.empty());
    CHECK(reason_of(job, failure_target).empty());
    job.finish(at(2), 0);
    job.plan();
    CHECK(reason_of(job, failed) == "FailedIndexes");
    CHECK(job.progress().job->succeeded == 2);
    CHECK(job.progress().job->failed == 2);
}

TEST_CASE("more indexes that have failed than are borne end the Job", "[controllers][job]") {
    job_cluster job(
        R"("completions":9,"parallelism":3,"completionMode":"Indexed","backoffLimitPerIndex":0,"maxFailedIndexes":1)");
    job.settle();
    job.start_all();
    job.finish(job.active()[0], 1);
    job.plan();
    CHECK(reason_of(job, failure_target).empty());
    job.finish(job.active()[0], 1);
    auto const plan = job.plan();
    CHECK(reason_of(job, failure_target) == "MaxFailedIndexesExceeded");
    CHECK(plan.removals.size() == 1);
}

TEST_CASE("the first rule that matches says what a failure means", "[controllers][job]") {
    auto const rules = R"("backoffLimit":2,"podFailurePolicy":{"rules":[
        {"action":"FailJob","onExitCodes":{"containerName":"main","operator":"In","values":[42]}},
        {"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"}]},
        {"action":"Ignore","onExitCodes":{"operator":"NotIn","values":[1,2,42]}}]})";
    SECTION("its container has ended with a fatal code") {
        job_cluster job(rules);
        run_round(job, 42);
        job.plan();
        CHECK(reason_of(job, failed) == "PodFailurePolicy");
        CHECK(job.counts().failed == 1);
        CHECK(job.counts().failures.at(0).verdict ==
              "container main has ended with 42, as rule 0 of podFailurePolicy says: FailJob");
    }
    SECTION("another container has") {
        job_cluster job(rules);
        job.settle();
        job.start_all();
        job.finish(job.active()[0], 42, "other");
        job.plan();
        CHECK(reason_of(job, failed).empty());
        CHECK(job.counts().failed == 1);
    }
    SECTION("a code that is ignored") {
        job_cluster job(rules);
        for (int i = 0; i < 9; ++i) {
            run_round(job, 9);
            job.pass(11min);
        }
        CHECK(job.counts().ignored == 9);
        CHECK(job.counts().failed == 0);
        CHECK(job.plan().creations.size() == 1);
    }
    SECTION("its node is lost, or cleared") {
        job_cluster job(rules);
        job.settle();
        job.start_all();
        auto const one = job.active()[0];
        job.condemn(one, false, true);
        CHECK(job.counts().ignored == 0);
        CHECK(job.plan().creations.empty());  // with a policy it is replaced once it is gone
        job.take_away(one);
        CHECK(job.counts().ignored == 1);
        job.pass(10s);
        CHECK(job.plan().creations.size() == 1);
    }
    SECTION("no rule matches") {
        job_cluster job(rules);
        for (int i = 0; i < 3; ++i) {
            run_round(job, 1);
            job.pass(1h);
        }
        job.plan();
        CHECK(reason_of(job, failed) == "BackoffLimitExceeded");
    }
}

TEST_CASE("a rule may end an index at once", "[controllers][job]") {
    job_cluster job(R"("completions":2,"parallelism":1,"completionMode":"Indexed","backoffLimitPerIndex":5,
        "podFailurePolicy":{"rules":[{"action":"FailIndex","onExitCodes":{"operator":"In","values":[3]}}]})");
    run_round(job, 3);
    CHECK(to_string(job.counts().failed_indexes) == "0");
    CHECK(indexes_of(job.plan()) == indexes{1});
}

TEST_CASE("a rule of success ends a Job before all its indexes have succeeded", "[controllers][job]") {
    job_cluster job(R"("completions":5,"parallelism":5,"completionMode":"Indexed","successPolicy":{"rules":[
        {"succeededIndexes":"0,2-3","succeededCount":2},{"succeededIndexes":"4"}]})");
    job.settle();
    job.start_all();
    auto const finish = [&](std::uint32_t index) {
        for (auto const& each : job.active())
            if (job.find(each)->index() == index) return job.finish(each, 0);
    };
    finish(1);
    finish(2);
    job.plan();
    CHECK(reason_of(job, success_criteria_met).empty());
    finish(3);
    auto const plan = job.plan();
    CHECK(reason_of(job, success_criteria_met) == "SuccessPolicy");
    REQUIRE(plan.removals.size() == 2);
    CHECK(plan.removals[0].is_excused);
    job.carry_out(plan);
    clear(job);
    job.plan();
    CHECK(reason_of(job, complete) == "SuccessPolicy");
    CHECK(job.counts().failed == 0);
}

TEST_CASE("what is being ended is replaced at once, or when it is gone", "[controllers][job]") {
    job_cluster at_once(R"("completions":2,"parallelism":2)");
    at_once.settle();
    at_once.start_all();
    at_once.condemn(at_once.active()[0], false);
    CHECK(at_once.counts().failed == 1);
    at_once.pass(10s);
    CHECK(at_once.plan().creations.size() == 1);
    clear(at_once);
    CHECK(at_once.counts().failed == 1);

    job_cluster later(R"("completions":2,"parallelism":2,"podReplacementPolicy":"Failed")");
    later.settle();
    later.start_all();
    auto const one = later.active()[0];
    later.condemn(one, false);
    CHECK(later.counts().failed == 0);
    later.pass(1h);
    CHECK(later.plan().creations.empty());
    later.take_away(one);
    CHECK(later.counts().failed == 1);
    later.pass(10s);
    CHECK(later.plan().creations.size() == 1);
}

TEST_CASE("one that was told to end and was done by then has succeeded", "[controllers][job]") {
    job_cluster job(R"("podReplacementPolicy":"Failed")");
    job.settle();
    job.start_all();
    auto const one = job.active()[0];
    job.condemn(one, false);
    job.finish(one, 0);
    CHECK(job.counts().succeeded == 0);
    job.take_away(one);
    CHECK(job.counts().succeeded == 1);
}

TEST_CASE("an instance that a user takes away before it runs counts as failed", "[controllers][job]") {
    job_cluster job("");
    job.settle();
    job.condemn(job.active()[0], false);
    CHECK(job.counts().failed == 1);
    CHECK(job.counts().failures.at(0).reason == "Deleted");
}

TEST_CASE("what takes the place of one that is lost follows from its loss", "[controllers][job]") {
    job_cluster job("");
    CHECK(job.plan(true).creations.empty());
    CHECK(job.plan(false).creations.size() == 1);
}

TEST_CASE("a Job says what it waits for", "[controllers][job]") {
    job_cluster job(R"("parallelism":2,"completions":2)");
    run_round(job, 1);
    auto const waits = job.plan().progress.held_up;
    CHECK(waits.find("2 in a row have failed: the next instance is made at ") == 0);
    CHECK(waits.find('.') == std::string::npos);  // people want seconds
    job_cluster none(R"("parallelism":0,"completions":2)");
    CHECK(none.plan().progress.held_up == "parallelism is 0: nothing is started");
}

TEST_CASE("a failure that no exit code explains is told with its message", "[controllers][job]") {
    job_cluster job(R"("backoffLimit":5)");
    job.settle();
    job.fail_to_start(job.active()[0], "ImagePullFailed", "image x: no such image");
    CHECK(job.counts().failures.at(0).reason == "ImagePullFailed");
    CHECK(job.counts().failures.at(0).verdict == "image x: no such image (failure 1, backoffLimit is 5)");
    job.pass(1h);
    job.settle();
    job.start_all();
    job.pass(1h);
    job.take_away(job.active()[0]);  // as when its node is declared dead
    CHECK(job.counts().failures.at(1).verdict == "its node was declared dead (failure 2, backoffLimit is 5)");
    CHECK(job.counts().failures.at(1).at == job.now());
}

TEST_CASE("a Job keeps the story of its newest failures only", "[controllers][job]") {
    job_cluster job(R"("backoffLimit":1000)");
    for (int i = 0; i < 30; ++i) {
        run_round(job, 1);
        job.pass(11min);
    }
    CHECK(job.counts().failed == 30);
    REQUIRE(job.counts().failures.size() == limits::job_failures_max);
    CHECK(job.counts().failures.back().number == 30);
}

// Kubernetes' own cases, restated.   Source: Kubernetes, job_controller_test.go

namespace {

struct seen_case {
    char const* name;
    std::string spec;
    int active;     ///< that run when the controller looks
    int succeeded;  ///< before that
    int failed;
    std::size_t creations;
    std::size_t removals;
    char const* outcome = "";  ///< the reason of its end
};

}  // namespace

TEST_CASE("Kubernetes' own cases", "[controllers][job]") {
    std::string const two_of_five = R"("parallelism":2,"completions":5,"backoffLimit":6)";
    std::string const queue = R"("parallelism":2,"backoffLimit":6)";
    std::vector<seen_case> const all{
        {"job start", two_of_five, 0, 0, 0, 2, 0},
        {"work queue job start", queue, 0, 0, 0, 2, 0},
        {"correct number of pods", two_of_five, 2, 0, 0, 0, 0},
        {"work queue, correct number of pods", queue, 2, 0, 0, 0, 0},
        {"too few active pods, with a success", two_of_five, 1, 1, 0, 1, 0},
        {"too few active pods", two_of_five, 1, 0, 0, 1, 0},
        {"work queue, too few active pods", queue, 1, 0, 0, 1, 0},
        {"too many active pods", two_of_five, 3, 0, 0, 0, 1},
        {"work queue, too many active pods", queue, 3, 0, 0, 0, 1},
        {"failed pod: a delay", two_of_five, 1, 1, 1, 0, 0},
        {"job finish", R"("parallelism":2,"completions":5)", 0, 5, 0, 0, 0, "CompletionsReached"},
        {"work queue job finishing", queue, 1, 1, 0, 0, 0},
        {"work queue job finished", queue, 0, 2, 0, 0, 0, "CompletionsReached"},
        {"more active pods than parallelism", R"("parallelism":2,"completions":5)", 10, 0, 0, 0, 8},
        {"more active pods than remaining completions", R"("parallelism":3,"completions":4)", 3, 2, 0, 0, 1},
        {"limits to parallelism of remaining completions", R"("parallelism":3,"completions":4)", 0, 2, 0, 2, 0},
        {"parallelism 0", R"("parallelism":0,"completions":4)", 2, 0, 0, 0, 2},
        {"backoff limit reached exactly", R"("parallelism":1,"completions":1,"backoffLimit":2)", 0, 0, 2, 0, 0},
        {"backoff limit exceeded", R"("parallelism":1,"completions":1,"backoffLimit":2)", 0, 0, 3, 0, 0,
         "BackoffLimitExceeded"},
        {"backoff limit 0", R"("parallelism":2,"completions":2,"backoffLimit":0)", 1, 0, 1, 0, 1,
         "BackoffLimitExceeded"},
        {"suspended", R"("parallelism":2,"completions":4,"suspend":true)", 2, 0, 0, 0, 2},
        {"indexed, too few", R"("parallelism":2,"completions":4,"completionMode":"Indexed")", 0, 0, 0, 2, 0},
    };
    for (auto const& each : all) {
        INFO(each.name);
        job_cluster job(each.spec);
        REQUIRE(job.found().empty());
        auto const make = [&] { return job.create({.release = job.row().current_release}); };
        for (int i = 0; i < each.succeeded + each.failed; ++i) {
            auto const one = make();
            job.start(one);
            job.finish(one, i < each.succeeded ? 0 : 1);
        }
        for (int i = 0; i < each.active; ++i) job.start(make());
        auto const plan = job.plan();
        CHECK(plan.creations.size() == each.creations);
        CHECK(plan.removals.size() == each.removals);
        auto const is_success = std::string(each.outcome) == "CompletionsReached";
        CHECK(reason_of(job, success_criteria_met) == (is_success ? each.outcome : ""));
        CHECK(reason_of(job, failure_target) == (is_success ? "" : each.outcome));
    }
}

TEST_CASE("an index whose failure does not count waits all the same", "[controllers][job]") {
    job_cluster job(
        R"("completions":1,"completionMode":"Indexed","backoffLimitPerIndex":3,"podFailurePolicy":{"rules":)"
        R"([{"action":"Ignore","onExitCodes":{"operator":"In","values":[42]}}]})");
    REQUIRE(job.found().empty());
    run_round(job, 42);
    CHECK(job.counts().ignored == 1);
    CHECK(job.plan().creations.empty());
    job.pass(10s);
    CHECK(job.plan().creations.size() == 1);
}

TEST_CASE("failed indexes that are not wanted any more do not count", "[controllers][job]") {
    job_cluster job(R"("completions":3,"parallelism":3,"completionMode":"Indexed","backoffLimitPerIndex":0,)"
                    R"("maxFailedIndexes":1)");
    REQUIRE(job.found().empty());
    job.settle();
    job.start_all();
    auto const all = job.active();
    job.finish(all.back(), 1);
    job.finish(job.active().back(), 1);
    CHECK(job.counts().failed_indexes.size() == 2);
    job.change([](job_upkeep& upkeep) { upkeep.completions = upkeep.parallelism = 1; });
    job.settle();
    CHECK(reason_of(job, failure_target).empty());
}
