// CronJobs: which Jobs are made and deleted, and what is said.
#include <rik/controllers/cron_job.hpp>

#include <rik/base/time_text.hpp>

#include "support/catch.hpp"
#include "support/cron_cluster.hpp"

#include <chrono>
#include <string>
#include <string_view>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

wall_time at(std::string_view text) {
    auto const read = parse_zoned_time(text);
    REQUIRE(read.has_value());
    return *read;
}

std::vector<std::string> reasons(cron_job_plan const& of) {
    std::vector<std::string> all;
    for (auto const& each : of.remarks) all.push_back(each.reason);
    return all;
}

std::string const hourly = R"("schedule":"0 * * * *")";
wall_time const noon = *parse_zoned_time("2026-11-27T11:30:00Z");

using words = std::vector<std::string>;

}  // namespace

TEST_CASE("a Job is made from the template, with the time that it is for", "[cron]") {
    cron_cluster on(R"("schedule":"30 2 * * *","timeZone":"Europe/Berlin")", at("2026-03-27T12:00:00Z"));
    REQUIRE(on.found().empty());
    CHECK_FALSE(on.step().start);
    CHECK(on.progress().cron->next_run == at("2026-03-28T01:30:00Z"));
    on.at(at("2026-03-28T01:30:00Z"));
    auto const plan = on.step();
    REQUIRE(plan.start);
    auto const& job = plan.start->definition;
    CHECK(job.kind == workload_kind::job);
    CHECK(job.name == "hello-29577690");
    CHECK(job.labels == string_map{{"app", "hello"}});
    CHECK(job.annotations.at("why") == "tests");
    CHECK(job.annotations.at("batch.kubernetes.io/cronjob-scheduled-timestamp") == "2026-03-28T02:30:00+01:00");
    CHECK(job.upkeep.job->backoff_limit == 2);
    CHECK_FALSE(job.upkeep.cron);
    CHECK(parse_definition_json(job.text).definition.upkeep == job.upkeep);
    CHECK(plan.progress.cron->last_run == at("2026-03-28T01:30:00Z"));
    CHECK(plan.progress.cron->active == words{"hello-29577690"});
    CHECK(reasons(plan) == words{"SuccessfulCreate"});
    CHECK_FALSE(on.step().start);
    // On the 29th there is no half past two.
    CHECK(on.progress().cron->next_run == at("2026-03-30T02:30:00+02:00"));
}

TEST_CASE("the template of a Function, and both forms, make Jobs", "[cron]") {
    auto const function = parse_definition(
        R"({"apiVersion":"v1","kind":"CronJob","name":"wake","schedule":"@daily","jobTemplate":{"completions":3,"template":)"
        R"({"spec":{"function":{"execution":{"rootfs":"/srv/a.ext4"}}}}}})");
    REQUIRE(function.found.empty());
    auto const made = job_of(function.definition, "wake-1", noon);
    REQUIRE(made.has_value());
    CHECK(made->spec.form == instance_form::function);
    CHECK(made->spec.restart == restart_policy::on_failure);
    CHECK(made->upkeep.job->completions == 3u);
    auto const kubernetes = parse_definition(
        R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"hello"},"spec":{"schedule":"*/1 * * * *",)"
        R"("jobTemplate":{"metadata":{"labels":{"a":"b"}},"spec":{"template":{"spec":{"restartPolicy":"OnFailure",)"
        R"("containers":[{"name":"hello","image":"busybox","imagePullPolicy":"IfNotPresent","command":["/bin/sh","-c",)"
        R"("date; echo Hello from the Kubernetes cluster"]}]}}}}}})");
    REQUIRE(kubernetes.found.empty());
    auto const job = job_of(kubernetes.definition, "by-hand", std::nullopt);
    REQUIRE(job.has_value());
    CHECK(job->form == definition_form::kubernetes);
    CHECK(job->labels == string_map{{"a", "b"}});
    CHECK(job->annotations == string_map{{"cronjob.kubernetes.io/instantiate", "manual"}});
    CHECK(job->spec == kubernetes.definition.spec);
}

TEST_CASE("Forbid waits for the run before, and starts the newest when that has ended", "[cron]") {
    cron_cluster on(hourly + R"(,"concurrencyPolicy":"Forbid")", noon);
    on.at(at("2026-11-27T12:00:00Z"));
    REQUIRE(on.step().start);
    auto const first = on.names().front();
    on.at(at("2026-11-27T13:00:00Z"));
    auto waiting = on.step();
    CHECK_FALSE(waiting.start);
    CHECK(reasons(waiting) == words{"JobAlreadyActive"});
    CHECK(waiting.progress.held_up.find(first) != std::string::npos);
    CHECK(waiting.look_again == at("2026-11-27T14:00:00Z"));
    on.delete_by_hand(first);
    CHECK_FALSE(on.step().start);  // something of it may still run
    on.pass(10min);
    on.clear();
    auto const plan = on.step();
    REQUIRE(plan.start);
    CHECK(plan.start->scheduled_at == at("2026-11-27T13:00:00Z"));
    CHECK(plan.progress.held_up.empty());
}

TEST_CASE("what waits with a deadline is looked at when that has passed", "[cron]") {
    cron_cluster on(hourly + R"(,"concurrencyPolicy":"Forbid","startingDeadlineSeconds":60)", noon);
    on.at(at("2026-11-27T12:00:00Z"));
    REQUIRE(on.step().start);
    on.at(at("2026-11-27T13:00:00Z"));
    auto const waiting = on.step();
    CHECK(waiting.look_again == at("2026-11-27T13:01:00Z"));
    CHECK(waiting.progress.cron->next_run == at("2026-11-27T14:00:00Z"));
    on.at(at("2026-11-27T13:01:00Z"));
    auto const late = on.step();
    CHECK(reasons(late) == words{"MissSchedule"});
    CHECK(late.progress.held_up.empty());
}

TEST_CASE("a clock that was ahead is told", "[cron]") {
    cron_cluster on(hourly, noon);
    on.at(at("2027-11-27T12:00:00Z"));
    REQUIRE(on.step().start);
    on.at(at("2026-11-27T12:30:00Z"));
    auto const plan = on.step();
    CHECK_FALSE(plan.start);
    CHECK(plan.progress.held_up.find("the clock is behind its last run of 2027-11-27T12:00:00Z") != std::string::npos);
    CHECK(reasons(plan) == words{"ClockIsBehind"});
}

TEST_CASE("of very many runs that are replaced as many go as fit into a commit, and then the next is started",
          "[cron]") {
    cron_cluster on(hourly, noon);
    for (int hour = 0; hour < 130; ++hour) {
        on.pass(1h);
        REQUIRE(on.step().start);
    }
    on.change([](cron_job_upkeep& cron) { cron.concurrency = concurrency_policy::replace; });
    on.pass(1h);
    auto const before = on.progress().cron->last_run;
    auto const first = on.step();
    CHECK_FALSE(first.start);
    CHECK(first.replaced.size() == 100);
    CHECK(first.progress.cron->last_run == before);
    auto const second = on.step();
    CHECK(second.start);
    CHECK(second.replaced.size() == 30);
}

TEST_CASE("Replace deletes the run before in the commit that makes the next", "[cron]") {
    cron_cluster on(hourly + R"(,"concurrencyPolicy":"Replace")", noon);
    on.at(at("2026-11-27T12:00:00Z"));
    on.step();
    auto const first = on.names().front();
    on.start_by_hand("by-hand");
    on.at(at("2026-11-27T13:00:00Z"));
    auto const plan = on.step();
    REQUIRE(plan.start);
    REQUIRE(plan.replaced.size() == 1);
    CHECK(plan.replaced.front().job == on.jobs().at(first).row.id);
    CHECK(reasons(plan) == words{"SuccessfulDelete", "SuccessfulCreate"});
    CHECK(plan.progress.cron->active.size() == 3);  // one of them leaves, and one is a user's
}

TEST_CASE("a Job that a user has started holds up no run, and is in the history", "[cron]") {
    cron_cluster on(hourly + R"(,"concurrencyPolicy":"Forbid","successfulJobsHistoryLimit":1)", noon);
    on.start_by_hand("by-hand");
    CHECK(on.step().progress.cron->active == words{"by-hand"});
    on.at(at("2026-11-27T12:00:00Z"));
    REQUIRE(on.step().start);
    on.finish("by-hand", true);
    on.pass(1min);
    on.finish(on.active_runs().front(), true);
    auto const plan = on.step();
    REQUIRE(plan.forgotten.size() == 1);
    CHECK(plan.forgotten.front().job == on.jobs().at("by-hand").row.id);
    CHECK(plan.progress.cron->last_success == on.now());
}

TEST_CASE("what was missed while it was suspended is started once when it is resumed", "[cron]") {
    cron_cluster on(hourly, noon);
    on.change([](cron_job_upkeep& to) { to.is_suspended = true; });
    on.pass(60h);
    auto const asleep = on.step();
    CHECK_FALSE(asleep.start);
    CHECK_FALSE(asleep.look_again);
    CHECK(asleep.progress.state == workload_state::paused);
    CHECK_FALSE(asleep.progress.cron->next_run);
    on.change([](cron_job_upkeep& to) { to.is_suspended = false; });
    auto const plan = on.step();
    REQUIRE(plan.start);
    CHECK(plan.start->scheduled_at == at("2026-11-29T23:00:00Z"));
    CHECK(plan.progress.state == workload_state::active);
    CHECK_FALSE(on.step().start);
    on.pass(500h);
    CHECK(reasons(on.step()) == words{"TooManyMissedTimes", "SuccessfulCreate"});  // more than a hundred, and still
}

TEST_CASE("a run that is past the deadline is missed, and said so", "[cron]") {
    cron_cluster on(hourly + R"(,"startingDeadlineSeconds":60)", noon);
    on.at(at("2026-11-27T12:05:00Z"));
    auto const plan = on.step();
    CHECK_FALSE(plan.start);
    REQUIRE(reasons(plan) == words{"MissSchedule"});
    CHECK(plan.remarks.front().is_warning);
    CHECK(plan.remarks.front().message.find("2026-11-27T12:00:00Z") != std::string::npos);
    CHECK(plan.remarks == on.step().remarks);  // the same words: it is told once
}

TEST_CASE("a clock that was set back starts nothing twice", "[cron]") {
    cron_cluster on(hourly, noon);
    on.at(at("2026-11-27T15:00:00Z"));
    REQUIRE(on.step().start);
    on.at(at("2026-11-27T12:00:00Z"));
    auto const plan = on.step();
    CHECK_FALSE(plan.start);
    CHECK(plan.look_again == at("2026-11-27T16:00:00Z"));
    for (auto const& [name, count] : on.made()) CHECK(count == 1);
}

TEST_CASE("a time zone that is not known is refused once, and later holds up", "[cron]") {
    cron_cluster on(hourly + R"(,"timeZone":"Europe/Berlyn")", noon);
    REQUIRE(on.found().empty());  // a stored text is read for ever
    auto const wrong = check_cron_job(*on.row().definition);
    REQUIRE(wrong);
    CHECK(wrong->field == "timeZone");
    CHECK(wrong->remedy == "did you mean Europe/Berlin?");
    CHECK_FALSE(check_cron_job(*on.row().definition, on.row().definition.get()));  // it has it already
    on.pass(5h);
    auto const plan = on.step();
    CHECK_FALSE(plan.start);
    CHECK(reasons(plan) == words{"UnknownTimeZone"});
    CHECK(plan.progress.held_up.find("Europe/Berlyn") != std::string::npos);
    CHECK_FALSE(plan.look_again);
}

TEST_CASE("a template that makes no Job of the name is refused", "[cron]") {
    auto const parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"CronJob","name":"a-rather-long-name-of-a-cron-job-that-has-fifty-two.x",)"
        R"("schedule":"@daily","jobTemplate":{"completions":5,"completionMode":"Indexed","template":{"spec":{"containers":)"
        R"([{"name":"main","image":"x"}]}}}})");
    auto cut = parsed.definition;
    cut.name = "a.name.with.dots";
    auto const wrong = check_cron_job(cut);
    REQUIRE(wrong);
    CHECK(wrong->message.find("could make no Job") != std::string::npos);
}

TEST_CASE("histories are kept apart, and a limit of none keeps none", "[cron]") {
    cron_cluster on(hourly + R"(,"successfulJobsHistoryLimit":2,"failedJobsHistoryLimit":0)", noon);
    for (int hour = 0; hour < 6; ++hour) {
        on.pass(1h);
        on.step();
        for (auto const& each : on.active_runs()) on.finish(each, hour % 2 == 0);
        on.step();
        on.clear();
    }
    CHECK(on.jobs().size() == 2);
    for (auto const& [name, one] : on.jobs()) CHECK_FALSE(one.has_failed());
}
