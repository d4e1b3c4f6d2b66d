// Definitions of Jobs and CronJobs, in both forms; sets of indexes; what a Job keeps of what has ended.
#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/index_set.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/variables.hpp>
#include <rik/model/workload.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>

using namespace rik;
using namespace std::chrono_literals;

namespace {

parsed_definition accept(std::string const& text) {
    INFO(text);
    auto parsed = parse_definition(text);
    CHECK(parsed.found == problems{});
    return parsed;
}

/// The only problem: where it is. It says what to do.
std::string refused_at(std::string const& text) {
    INFO(text);
    auto const parsed = parse_definition(text);
    REQUIRE(parsed.found.size() == 1);
    CHECK_FALSE(parsed.found.front().remedy.empty());
    return parsed.found.front().field;
}

/// In Kubernetes' form. `spec` is more of its spec, `pod` more of that of its template.
std::string job_text(std::string const& spec = "", std::string const& pod = R"("restartPolicy":"Never")") {
    return fmt::format(
        R"({{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"pi"}},"spec":{{{}{}
           "template":{{"metadata":{{"labels":{{"app":"pi"}}}},"spec":{{{}{}
           "containers":[{{"name":"pi","image":"perl"}}]}}}}}}}})",
        spec, spec.empty() ? "" : ",", pod, pod.empty() ? "" : ",");
}

std::string job_of_rik(std::string const& more = "", std::string const& pod = "") {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Job","name":"pi",{}{}"template":{{"spec":{{{}{}
           "containers":[{{"name":"pi","image":"perl"}}]}}}}}})",
        more, more.empty() ? "" : ",", pod, pod.empty() ? "" : ",");
}

std::string cron_text(std::string const& spec = "", std::string const& name = "hello") {
    return fmt::format(
        R"({{"apiVersion":"batch/v1","kind":"CronJob","metadata":{{"name":"{}"}},"spec":{{{}{}
           "jobTemplate":{{"metadata":{{"labels":{{"run":"hello"}}}},"spec":{{"backoffLimit":2,"template":{{"spec":{{
           "restartPolicy":"OnFailure","containers":[{{"name":"hello","image":"busybox"}}]}}}}}}}}}}}})",
        name, spec, spec.empty() ? "" : ",");
}

job_upkeep job_of(std::string const& text) { return *accept(text).definition.upkeep.job; }

void check_round_trip(std::string const& text) {
    auto const first = accept(text).definition;
    auto const written = definition_text(first);
    INFO(written);
    auto const again = accept(written).definition;
    CHECK(again.upkeep == first.upkeep);
    CHECK(again.spec == first.spec);
    CHECK(again.kind == first.kind);
    CHECK(again.form == first.form);
}

constexpr auto indexed = R"("completionMode":"Indexed","completions":5)";

}  // namespace

TEST_CASE("the lesson's Job is read", "[definition][job]") {
    auto const parsed = accept(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: pi\nspec:\n  template:\n    spec:\n      containers:\n"
        "      - name: pi\n        image: perl:5.34.0\n        command: [\"perl\",  \"-Mbignum=bpi\", \"-wle\", "
        "\"print "
        "bpi(2000)\"]\n      restartPolicy: Never\n  backoffLimit: 4\n");
    CHECK(parsed.warnings.empty());
    auto const& made = parsed.definition;
    CHECK(made.kind == workload_kind::job);
    CHECK(is_managed(made.kind));
    CHECK(made.spec.restart == restart_policy::never);
    auto const& job = *made.upkeep.job;
    CHECK(job.backoff_limit == 4);
    CHECK(job.completions == 1u);
    CHECK(job.parallelism == 1);
    CHECK_FALSE(job.is_indexed());
    CHECK(job.replacement == replacement_policy::terminating_or_failed);
    CHECK_FALSE(made.upkeep.cron);
}

TEST_CASE("what a Job does not say is as in Kubernetes", "[definition][job]") {
    CHECK(job_of(job_text()).backoff_limit == 6);
    CHECK(job_of(job_text(R"("parallelism":3)")).completions == std::nullopt);  // a work queue
    CHECK(job_of(job_text(R"("completions":3)")).parallelism == 1);
    auto const per_index = job_of(job_text(std::string(indexed) + R"(,"backoffLimitPerIndex":1)"));
    CHECK(per_index.backoff_limit == std::numeric_limits<std::int32_t>::max());
    CHECK(per_index.is_indexed());
    auto const policy =
        R"("podFailurePolicy":{"rules":[{"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"}]}]})";
    auto const ruled = job_of(job_text(policy));
    CHECK(ruled.replacement == replacement_policy::failed);
    REQUIRE(ruled.failure_rules.size() == 1);
    CHECK(ruled.failure_rules[0].conditions == std::vector<condition_pattern>{{"DisruptionTarget", "True"}});
}

TEST_CASE("in RIK's form a Job starts again what has failed, where it says nothing", "[definition][job]") {
    auto const made = accept(job_of_rik(R"("completions":3,"ttlSecondsAfterFinished":60)")).definition;
    CHECK(made.spec.restart == restart_policy::on_failure);
    CHECK(made.upkeep.job->time_to_live == 60s);
    CHECK(accept(job_of_rik("", R"("restartPolicy":"Never")")).definition.spec.restart == restart_policy::never);
    CHECK(refused_at(job_of_rik("", R"("restartPolicy":"Always")")) == "template.spec.restartPolicy");
}

TEST_CASE("a Job of microVMs is read", "[definition][job]") {
    auto const made = accept(R"({"apiVersion":"v1","kind":"Job","name":"f","template":{"spec":{"function":
        {"execution":{"rootfs":"/images/one.ext4"}}}}})")
                          .definition;
    CHECK(made.spec.form == instance_form::function);
    CHECK(made.spec.restart == restart_policy::on_failure);
}

TEST_CASE("what is written of Jobs and CronJobs is read as it was", "[definition][job]") {
    check_round_trip(job_text());
    check_round_trip(job_text(R"("parallelism":3)"));
    check_round_trip(job_text(R"("parallelism":0,"completions":0,"suspend":true,"activeDeadlineSeconds":7)"));
    check_round_trip(
        job_text(std::string(indexed) +
                 R"(,"parallelism":2,"backoffLimitPerIndex":1,"maxFailedIndexes":2,"podFailurePolicy":{"rules":[
        {"action":"FailIndex","onExitCodes":{"containerName":"pi","operator":"NotIn","values":[0,42]}},
        {"action":"Count","onPodConditions":[{"type":"DisruptionTarget","status":"True"}]}]},
        "successPolicy":{"rules":[{"succeededIndexes":"0,2-4","succeededCount":2}]})"));
    check_round_trip(job_text(R"("manualSelector":true,"selector":{"matchLabels":{"app":"pi"}})"));
    check_round_trip(job_of_rik(R"("podReplacementPolicy":"Failed","unheardToleranceSeconds":9)"));
    check_round_trip(cron_text(R"("schedule":"*/5 * * * *","timeZone":"Europe/Berlin","concurrencyPolicy":"Forbid",
        "startingDeadlineSeconds":20,"suspend":true,"successfulJobsHistoryLimit":0,"failedJobsHistoryLimit":4)"));
    check_round_trip(R"({"apiVersion":"v1","kind":"CronJob","name":"c","schedule":"@daily","jobTemplate":{
        "labels":{"a":"b"},"completions":2,"template":{"spec":{"containers":[{"name":"a","image":"x"}]}}}})");
}

TEST_CASE("a CronJob keeps its schedule and the template of its Jobs", "[definition][job]") {
    auto const made = accept(cron_text(R"("schedule":"*/1 * * * *")")).definition;
    CHECK(made.kind == workload_kind::cron_job);
    auto const& cron = *made.upkeep.cron;
    CHECK(cron.schedule == "*/1 * * * *");
    CHECK(cron.concurrency == concurrency_policy::allow);
    CHECK(cron.successful_history_max == 3);
    CHECK(cron.failed_history_max == 1);
    CHECK(cron.job_labels == string_map{{"run", "hello"}});
    CHECK(made.upkeep.job->backoff_limit == 2);
    CHECK(made.spec.restart == restart_policy::on_failure);
    CHECK(made.spec.containers.at(0).image == "busybox");
}

TEST_CASE("what is wrong with a Job is told with its place", "[definition][job]") {
    auto const ruled = [](std::string const& rule, std::string const& more = "") {
        return job_text(more + R"("podFailurePolicy":{"rules":[)" + rule + "]}");
    };
    auto const codes = [&](std::string const& inside) {
        return ruled(R"({"action":"FailJob","onExitCodes":{)" + inside + "}}");
    };
    struct wrong {
        std::string text;
        std::string field;
    };
    auto const rules = "spec.podFailurePolicy.rules[0]";
    auto const with = [&](std::string const& spec) { return job_text(std::string(indexed) + "," + spec); };
    std::vector<wrong> const all{
        {job_text("", ""), "spec.template.spec.restartPolicy"},
        {job_text("", R"("restartPolicy":"Always")"), "spec.template.spec.restartPolicy"},
        {job_text(R"("parallelism":-1)"), "spec.parallelism"},
        {job_text(R"("completions":1.5)"), "spec.completions"},
        {job_text(R"("completionMode":"indexed")"), "spec.completionMode"},
        {job_text(R"("completionMode":"Indexed","parallelism":2)"), "spec.completions"},
        {with(R"("parallelism":100001)"), "spec.parallelism"},
        {job_text(R"("backoffLimitPerIndex":1)"), "spec.backoffLimitPerIndex"},
        {with(R"("maxFailedIndexes":1)"), "spec.maxFailedIndexes"},
        {with(R"("backoffLimitPerIndex":1,"maxFailedIndexes":6)"), "spec.maxFailedIndexes"},
        {job_text(R"("activeDeadlineSeconds":-5)"), "spec.activeDeadlineSeconds"},
        {job_text(R"("selector":{"matchLabels":{"app":"pi"}})"), "spec.selector"},
        {job_text(R"("manualSelector":true)"), "spec.selector"},
        {job_text(R"("manualSelector":true,"selector":{"matchLabels":{"app":"e"}})"), "spec.selector"},
        {job_text(R"("managedBy":"example.com/other")"), "spec.managedBy"},
        {job_text(R"("podReplacementPolicy":"Never")"), "spec.podReplacementPolicy"},
        {ruled(R"({"action":"Count","onPodConditions":[{"type":"DisruptionTarget"}]})",
               R"("podReplacementPolicy":"TerminatingOrFailed",)"),
         "spec.podReplacementPolicy"},
        {ruled(R"({"action":"Retry","onPodConditions":[{"type":"DisruptionTarget"}]})"),
         std::string(rules) + ".action"},
        {ruled(R"({"action":"FailIndex","onPodConditions":[{"type":"DisruptionTarget"}]})"),
         std::string(rules) + ".action"},
        {ruled(R"({"action":"Count"})"), rules},
        {ruled(R"({"action":"Count","onExitCodes":{"operator":"In","values":[1]},"onPodConditions":[
               {"type":"DisruptionTarget"}]})"),
         rules},
        {codes(R"("operator":"In","values":[])"), std::string(rules) + ".onExitCodes.values"},
        {codes(R"("operator":"In","values":[0,1])"), std::string(rules) + ".onExitCodes.values"},
        {codes(R"("operator":"In","values":[3,3])"), std::string(rules) + ".onExitCodes.values"},
        {codes(R"("operator":"In","values":[256])"), std::string(rules) + ".onExitCodes.values[0]"},
        {codes(R"("operator":"Is","values":[2])"), std::string(rules) + ".onExitCodes.operator"},
        {codes(R"("containerName":"other","operator":"In","values":[2])"),
         std::string(rules) + ".onExitCodes.containerName"},
        {job_text(
             R"("podFailurePolicy":{"rules":[{"action":"Count","onPodConditions":[{"type":"DisruptionTarget"}]}]})",
             R"("restartPolicy":"OnFailure")"),
         "spec.podFailurePolicy"},
        {job_text(std::string(indexed) + R"(,"backoffLimitPerIndex":1)", R"("restartPolicy":"OnFailure")"),
         "spec.backoffLimitPerIndex"},
        {job_text(R"("successPolicy":{"rules":[{"succeededCount":1}]})"), "spec.successPolicy"},
        {with(R"("successPolicy":{"rules":[]})"), "spec.successPolicy.rules"},
        {with(R"("successPolicy":{"rules":[{}]})"), "spec.successPolicy.rules[0]"},
        {with(R"("successPolicy":{"rules":[{"succeededIndexes":"1,"}]})"),
         "spec.successPolicy.rules[0].succeededIndexes"},
        {with(R"("successPolicy":{"rules":[{"succeededIndexes":"3-5"}]})"),
         "spec.successPolicy.rules[0].succeededIndexes"},
        {with(R"("successPolicy":{"rules":[{"succeededIndexes":"1-2","succeededCount":3}]})"),
         "spec.successPolicy.rules[0].succeededCount"},
        {with(R"("successPolicy":{"rules":[{"succeededCount":6}]})"), "spec.successPolicy.rules[0].succeededCount"},
        {cron_text(), "spec.schedule"},
        {cron_text(R"("schedule":"61 * * * *")"), "spec.schedule"},
        {cron_text(R"("schedule":"@hourly","concurrencyPolicy":"Wait")"), "spec.concurrencyPolicy"},
        {cron_text(R"("schedule":"@hourly")", std::string(53, 'a')), "metadata.name"},
    };
    for (auto const& each : all) {
        INFO(each.text);
        CHECK(refused_at(each.text) == each.field);
    }
}

TEST_CASE("too many rules and codes are refused", "[definition][job]") {
    std::string rules;
    for (std::size_t i = 0; i <= limits::failure_rules_max; ++i)
        rules +=
            std::string(i == 0 ? "" : ",") + R"({"action":"Count","onPodConditions":[{"type":"DisruptionTarget"}]})";
    CHECK(refused_at(job_text(R"("podFailurePolicy":{"rules":[)" + rules + "]}")) == "spec.podFailurePolicy.rules");
}

TEST_CASE("the name of an indexed Job leaves room for its indexes", "[definition][job]") {
    auto const named = [](std::size_t size) {
        return R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":")" + std::string(size, 'a') +
               R"("},"spec":{"completionMode":"Indexed","completions":100,"template":{"spec":{"restartPolicy":"Never",
               "containers":[{"name":"a","image":"x"}]}}}})";
    };
    accept(named(60));
    CHECK(refused_at(named(61)) == "metadata.name");
}

TEST_CASE("an instance of an indexed Job is told its index", "[definition][job]") {
    auto definition = accept(job_text(indexed)).definition;
    CHECK(completion_index(definition, 3) == 3u);
    CHECK(hostname_of(definition, "pi-x2k4v", 3) == "pi-3");
    auto const labels = labels_by_kind(definition, "uid", 3);
    CHECK(labels.at("batch.kubernetes.io/job-completion-index") == "3");
    CHECK(labels.at("job-name") == "pi");
    CHECK(labels.at("batch.kubernetes.io/controller-uid") == "uid");
    auto container = definition.spec.containers.at(0);
    instance_facts of{.id = {}, .name = "pi-x2k4v"};
    of.index = 3;
    of.definition = std::make_shared<workload_definition const>(definition);
    REQUIRE(resolve_variables(of, container).has_value());
    REQUIRE(container.env.size() == 1);
    CHECK(container.env[0] == environment_variable{"JOB_COMPLETION_INDEX", "3"});
    CHECK(field_value(of, "metadata.annotations['batch.kubernetes.io/job-completion-index']") == "3");
    CHECK(field_value(of, "metadata.labels['batch.kubernetes.io/job-name']") == "pi");

    auto const plain = accept(job_text()).definition;
    CHECK_FALSE(completion_index(plain, 3));
    CHECK(hostname_of(plain, "pi-x2k4v", 3) == "pi-x2k4v");
    CHECK_FALSE(labels_by_kind(plain, "uid", {}).contains("batch.kubernetes.io/job-completion-index"));
}

// Sets of indexes

TEST_CASE("a set of indexes is written as Kubernetes writes it", "[model]") {
    index_set some;
    CHECK(to_string(some).empty());
    for (auto const each : {1u, 5u, 3u, 4u, 7u, 8u}) CHECK(some.insert(each));
    CHECK(to_string(some) == "1,3-5,7,8");
    CHECK_FALSE(some.insert(4));
    CHECK(some.size() == 6);
    CHECK(some.count_below(5) == 3);
    CHECK(parse_index_set("1,3-5,7,8") == some);
    for (auto const* wrong : {",", "1,", "3,1", "1-", "5-3", "a", "1,,2", "-1", "01", "1 ,2", "4294967296", "1-3,3"})
        CHECK_FALSE(parse_index_set(wrong));
    CHECK(parse_index_set("")->empty());
    CHECK(to_string(*parse_index_set("1,2,3-9")) == "1-9");
}

TEST_CASE("a set of indexes is the set that it stands for", "[model]") {
    index_set some;
    std::set<std::uint32_t> model;
    std::uint32_t seed = 7;
    for (int i = 0; i < 20'000; ++i) {
        seed = seed * 1'664'525 + 1'013'904'223;
        auto const index = seed >> 25;
        if ((seed >> 8) % 3 == 0)
            REQUIRE(some.erase(index) == (model.erase(index) == 1));
        else
            REQUIRE(some.insert(index) == model.insert(index).second);
        REQUIRE(some.contains(index) == model.contains(index));
        REQUIRE(some.size() == model.size());
        REQUIRE(some.count_below(64) == static_cast<std::size_t>(std::distance(model.begin(), model.lower_bound(64))));
        if (i % 100 == 0) REQUIRE(parse_index_set(to_string(some)) == some);
    }
    for (std::size_t i = 1; i < some.ranges().size(); ++i)
        CHECK(some.ranges()[i - 1].last + 1 < some.ranges()[i].first);
    CHECK(some.count_shared(*parse_index_set("0-127")) == some.size());
    CHECK(some.count_shared(some) == some.size());
    CHECK(some.count_shared({}) == 0);
}

TEST_CASE("20,000 indexes that have succeeded take a few bytes", "[model]") {
    job_record record;
    for (std::uint32_t i = 0; i < 20'000; ++i) record.completed.insert(i);
    CHECK(to_string(record.completed) == "0-19999");
    workload const row{.name = "pi"};
    CHECK(to_document(record, row).json.size() < 200);
}

TEST_CASE("what a Job has counted is read as it was", "[model]") {
    workload const row{.name = "pi"};
    job_record record{.workload = row.id, .succeeded = 3, .failed = 2, .ignored = 1};
    record.completed.insert(4);
    record.failed_indexes.insert(2);
    record.failed_times = {*parse_index_set("1,7"), {}, *parse_index_set("9")};
    record.failures_in_row = 2;
    record.last_failure_at = wall_time(5s);
    record.fatal = "it is over";
    record.failures = {{wall_time(4s), 1, "pi-a", 2, "main", 42, "Error", "rule 0"}};
    auto const kept = to_document(record, row);
    CHECK(kept.key == job_record_key(row));
    auto const read = parse_job_record(kept);
    REQUIRE(read.has_value());
    CHECK((*read == record));
    CHECK(read->failures_of(7) == 1);
    CHECK(read->failures_of(9) == 3);
    CHECK(read->failures_of(4) == 0);
    auto damaged = kept;
    damaged.json = R"({"workload":"x"})";
    CHECK_FALSE(parse_job_record(damaged).has_value());
    damaged = kept;
    damaged.key.kind = "rollout";
    CHECK_FALSE(parse_job_record(damaged).has_value());
}
