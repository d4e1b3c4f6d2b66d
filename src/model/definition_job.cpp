// How Jobs run, and when CronJobs start them: read, checked and written.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <rik/model/schedule.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

namespace rik::detail {

namespace {

/// The Jobs of a CronJob have its name, "-" and a number of ten digits.   Source: Kubernetes, validation of CronJobs.
constexpr std::size_t cron_name_bytes_max = 52;

// Reading

std::optional<std::uint32_t> read_count(field_reader const& from, std::string_view field) {
    auto const count = from.integer(field);
    return count ? std::optional(static_cast<std::uint32_t>(std::max<std::int64_t>(*count, 0))) : std::nullopt;
}

std::optional<duration> read_length(field_reader const& from, std::string_view field) {
    auto const seconds = from.integer(field);
    return seconds ? std::optional<duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

bool says(field_reader const& from, std::string_view field, std::string_view word) { return from.text(field) == word; }

/// Without completions and with parallelism it is a work queue.   Source: Kubernetes, defaults of batch/v1.
void read_counts(field_reader const& from, job_upkeep& into) {
    auto const completions = read_count(from, "completions");
    auto const parallelism = read_count(from, "parallelism");
    into.parallelism = parallelism.value_or(1);
    into.completions = completions || parallelism ? completions : std::optional<std::uint32_t>(1);
    if (says(from, "completionMode", to_string(completion_mode::indexed))) into.mode = completion_mode::indexed;
    into.backoff_limit_per_index = read_count(from, "backoffLimitPerIndex");
    auto const usual = into.backoff_limit_per_index ? std::uint32_t{std::numeric_limits<std::int32_t>::max()}
                                                    : job_upkeep().backoff_limit;
    into.backoff_limit = read_count(from, "backoffLimit").value_or(usual);
    into.max_failed_indexes = read_count(from, "maxFailedIndexes");
    into.active_deadline = read_length(from, "activeDeadlineSeconds");
    into.time_to_live = read_length(from, "ttlSecondsAfterFinished");
    into.is_suspended = from.flag("suspend");
}

failure_action action_of(std::string_view word) {
    for (auto const each : {failure_action::ignore, failure_action::fail_index, failure_action::fail_job})
        if (word == to_string(each)) return each;
    return failure_action::count;
}

std::vector<std::int32_t> read_codes(field_reader const& from) {
    std::vector<std::int32_t> codes;
    auto const* const list = from.list("values");
    if (list == nullptr) return codes;
    for (auto const& each : *list)
        if (auto const* const code = each.if_int64()) codes.push_back(static_cast<std::int32_t>(*code));
    return codes;
}

void check_codes(field_reader const& from, exit_code_rule const& of) {
    auto const problem = [&](std::string what, std::string_view remedy) {
        from.notes().problem(from.path_of("values"), std::move(what), remedy);
    };
    if (from.list("values") != nullptr && of.codes.empty()) problem("is empty", "give the exit codes");
    if (of.codes.size() > limits::failure_codes_max)
        problem(fmt::format("has {} entries; the limit is {}", of.codes.size(), limits::failure_codes_max),
                "leave some out");
    if (std::set(of.codes.begin(), of.codes.end()).size() != of.codes.size())
        problem("has a code twice", "write each once");
    if (of.is_in && std::ranges::find(of.codes, 0) != of.codes.end())
        problem("has 0, which is no failure", "leave it out");
}

exit_code_rule read_exit_codes(field_reader const& from) {
    exit_code_rule made{std::string(from.text("containerName").value_or("")), !says(from, "operator", "NotIn"),
                        read_codes(from)};
    check_codes(from, made);
    return made;
}

void check_container(field_reader const& codes, exit_code_rule const& rule, instance_template const& of) {
    if (rule.container.empty()) return;
    if (std::ranges::find(of.containers, rule.container, &container_definition::name) == of.containers.end())
        codes.notes().problem(codes.path_of("containerName"),
                              fmt::format("'{}' is no container of the template", shortened(rule.container)),
                              "name one of the template's containers, or leave it out");
}

void check_rule(field_reader const& from, failure_rule const& rule, job_upkeep const& of) {
    if (rule.exit_codes.has_value() != rule.conditions.empty())
        from.notes().problem(
            from.path(), rule.exit_codes ? "has both onExitCodes and onPodConditions" : "says not which ends it means",
            "write either onExitCodes or onPodConditions");
    if (rule.action == failure_action::fail_index && !of.backoff_limit_per_index)
        from.notes().problem(from.path_of("action"), "is FailIndex, and backoffLimitPerIndex is not there",
                             "add backoffLimitPerIndex, or write another action");
}

failure_rule read_rule(field_reader const& from, workload_definition const& of) {
    failure_rule made{.action = action_of(from.text("action").value_or(""))};
    from.in("onExitCodes", [&](field_reader const& codes) {
        made.exit_codes = read_exit_codes(codes);
        check_container(codes, *made.exit_codes, of.spec);
    });
    from.each("onPodConditions", [&](field_reader const& each) {
        made.conditions.push_back(
            {std::string(each.text("type").value_or("")), std::string(each.text("status").value_or("True"))});
        if (!made.conditions.back().type.empty() && made.conditions.back().type != "DisruptionTarget")
            each.notes().warn_unused(each.path_of("type"),
                                     "an instance that has failed has no such condition, only "
                                     "DisruptionTarget");
    });
    check_rule(from, made, *of.upkeep.job);
    return made;
}

void check_restarts(field_reader const& from, std::string_view field, workload_definition const& of) {
    if (of.spec.restart == restart_policy::never) return;
    from.notes().problem(from.path_of(field),
                         "counts instances that have failed, and with restartPolicy OnFailure what fails starts again",
                         "write restartPolicy: Never in the template");
}

void read_failure_policy(field_reader const& from, workload_definition& into) {
    auto& job = *into.upkeep.job;
    from.in("podFailurePolicy", [&](field_reader const& policy) {
        check_restarts(from, "podFailurePolicy", into);
        policy.each("rules", [&](field_reader const& each) { job.failure_rules.push_back(read_rule(each, into)); });
        if (job.failure_rules.size() > limits::failure_rules_max)
            policy.notes().problem(
                policy.path_of("rules"),
                fmt::format("has {} entries; the limit is {}", job.failure_rules.size(), limits::failure_rules_max),
                "leave some out");
    });
    auto const is_failed = says(from, "podReplacementPolicy", to_string(replacement_policy::failed));
    auto const is_said = from.text("podReplacementPolicy").value_or("") != "";
    auto const has_policy = from.object("podFailurePolicy") != nullptr;
    if (is_failed || (has_policy && !is_said)) job.replacement = replacement_policy::failed;
    if (has_policy && is_said && !is_failed)
        from.notes().problem(from.path_of("podReplacementPolicy"),
                             "is TerminatingOrFailed, and podFailurePolicy looks at how an instance has ended",
                             "write Failed, or leave it out");
}

success_rule read_success_rule(field_reader const& from, job_upkeep const& of) {
    success_rule made{.count = read_count(from, "succeededCount")};
    auto const text = from.text("succeededIndexes");
    if (text) made.indexes = parse_index_set(*text);
    auto const end = of.completions.value_or(0);
    auto const problem = [&](std::string_view field, std::string what, std::string_view remedy) {
        from.notes().problem(from.path_of(field), std::move(what), remedy);
    };
    if (!text && !made.count)
        from.notes().problem(from.path(), "says not when the Job has succeeded",
                             "write succeededIndexes, succeededCount or both");
    if (text && (!made.indexes || made.indexes->empty()))
        problem("succeededIndexes", fmt::format("'{}' is no list of indexes", shortened(*text)),
                "write numbers and ranges in ascending order: 1,3-5");
    if (made.indexes && made.indexes->count_below(end) != made.indexes->size())
        problem("succeededIndexes", fmt::format("has an index that is not below completions, {}", end),
                "write indexes from 0 to completions - 1");
    auto const most = made.indexes ? made.indexes->size() : end;
    if (made.count && *made.count > most)
        problem("succeededCount", fmt::format("is {}, and only {} could succeed", *made.count, most),
                "make it less, or name more indexes");
    return made;
}

void read_success_policy(field_reader const& from, job_upkeep& into) {
    from.in("successPolicy", [&](field_reader const& policy) {
        if (!into.is_indexed())
            return policy.notes().problem(policy.path(), "is for indexes, and completionMode is NonIndexed",
                                          "write completionMode: Indexed");
        policy.each("rules",
                    [&](field_reader const& each) { into.success_rules.push_back(read_success_rule(each, into)); });
        auto const count = into.success_rules.size();
        auto const* const rules = policy.list("rules");
        if ((rules != nullptr && rules->empty()) || count > limits::success_rules_max)
            policy.notes().problem(policy.path_of("rules"),
                                   fmt::format("has {} entries; there are 1 to {}", count, limits::success_rules_max),
                                   "write the rules of which one is enough");
    });
}

// What the table cannot know

void check_name_of_indexed(field_reader const& from, workload_definition const& of) {
    auto const& job = *of.upkeep.job;
    if (of.kind != workload_kind::job || of.name.empty()) return;
    auto const last = fmt::format("{}-{}", of.name, std::max<std::uint32_t>(job.completions.value_or(1), 1) - 1);
    if (!check_label_name(last, {})) return;
    from.notes().problem(of.form == definition_form::rik ? "name" : "metadata.name",
                         fmt::format("'{}' would be the host name of an index, and is none", shortened(last)),
                         "give it a shorter name, of lower-case letters, digits and '-'");
}

void check_indexed(field_reader const& from, workload_definition const& of) {
    auto const& job = *of.upkeep.job;
    if (!job.completions)
        from.notes().problem(from.path_of("completions"), "is missing, and completionMode is Indexed",
                             "say how many indexes there are");
    if (job.parallelism > limits::indexed_parallelism_max)
        from.notes().problem(from.path_of("parallelism"),
                             fmt::format("is {}; the limit is {} with completionMode Indexed", job.parallelism,
                                         limits::indexed_parallelism_max),
                             "make it less");
    check_name_of_indexed(from, of);
}

void check_index_limits(field_reader const& from, workload_definition const& of) {
    auto const& job = *of.upkeep.job;
    auto const problem = [&](std::string_view field, std::string what, std::string_view remedy) {
        from.notes().problem(from.path_of(field), std::move(what), remedy);
    };
    if (job.backoff_limit_per_index) {
        check_restarts(from, "backoffLimitPerIndex", of);
        if (!job.is_indexed())
            problem("backoffLimitPerIndex", "is for indexes, and completionMode is NonIndexed",
                    "write completionMode: Indexed");
    }
    if (job.max_failed_indexes && !job.backoff_limit_per_index)
        problem("maxFailedIndexes", "counts indexes that have failed, and backoffLimitPerIndex is not there",
                "add backoffLimitPerIndex");
    if (job.max_failed_indexes && job.completions && *job.max_failed_indexes > *job.completions)
        problem("maxFailedIndexes", fmt::format("is {}, more than completions", *job.max_failed_indexes),
                "make it completions at most");
}

void check_selector_of_job(field_reader const& from, workload_definition const& of) {
    auto const has_selector = from.object("selector") != nullptr;
    auto const is_manual = from.flag("manualSelector");
    if (!has_selector && is_manual)
        from.notes().problem(from.path_of("selector"), "is missing, and manualSelector is true",
                             "write matchLabels with the labels of the template, or leave out manualSelector");
    if (!has_selector) return;
    if (!is_manual)
        return from.notes().problem(from.path_of("selector"), "is made by the server",
                                    "leave it out; who wants his own writes manualSelector: true");
    if (of.upkeep.selector.is_empty() || !of.upkeep.selector.matches(of.spec.labels))
        from.notes().problem(from.path_of("selector"), "does not match the labels of the template",
                             "write matchLabels with the labels of the template");
    from.notes().warn_unused(from.path_of("selector"),
                             "a Job has exactly the instances that it has made, whatever their labels say");
}

// Writing

void put_count(json::object& into, std::string_view name, std::optional<std::uint32_t> count) {
    if (count) into[name] = *count;
}

void put_length(json::object& into, std::string_view name, std::optional<duration> length) {
    if (length) into[name] = std::chrono::ceil<std::chrono::seconds>(*length).count();
}

json::object exit_codes_object(exit_code_rule const& from) {
    json::object made;
    if (!from.container.empty()) made["containerName"] = from.container;
    made["operator"] = from.is_in ? "In" : "NotIn";
    made["values"] = json::array(from.codes.begin(), from.codes.end());
    return made;
}

json::object failure_rule_object(failure_rule const& from) {
    json::object made{{"action", to_string(from.action)}};
    if (from.exit_codes) made["onExitCodes"] = exit_codes_object(*from.exit_codes);
    json::array patterns;
    for (auto const& each : from.conditions)
        patterns.push_back(json::object{{"type", each.type}, {"status", each.status}});
    if (!patterns.empty()) made["onPodConditions"] = std::move(patterns);
    return made;
}

json::object success_rule_object(success_rule const& from) {
    json::object made;
    if (from.indexes) made["succeededIndexes"] = to_string(*from.indexes);
    put_count(made, "succeededCount", from.count);
    return made;
}

template <class Rule, class Write>
void put_rules(json::object& into, std::string_view name, std::vector<Rule> const& rules, Write write) {
    if (rules.empty()) return;
    json::array all;
    for (auto const& each : rules) all.push_back(write(each));
    into[name] = json::object{{"rules", std::move(all)}};
}

}  // namespace

void read_job(field_reader const& from, workload_definition& into) {
    auto& job = *into.upkeep.job;
    read_counts(from, job);
    read_failure_policy(from, into);
    read_success_policy(from, job);
    from.in("selector", [&](field_reader const& fields) { into.upkeep.selector = read_selector(fields); });
    into.upkeep.unheard_tolerance = read_length(from, "unheardToleranceSeconds");
    if (job.is_indexed()) check_indexed(from, into);
    check_index_limits(from, into);
    check_selector_of_job(from, into);
}

/// Written so that it is read as it is: completions and parallelism together say whether it is a work queue.
void put_job(json::object& into, workload_definition const& from) {
    auto const& job = *from.upkeep.job;
    into["parallelism"] = job.parallelism;
    put_count(into, "completions", job.completions);
    if (job.is_indexed()) into["completionMode"] = to_string(job.mode);
    into["backoffLimit"] = job.backoff_limit;
    put_count(into, "backoffLimitPerIndex", job.backoff_limit_per_index);
    put_count(into, "maxFailedIndexes", job.max_failed_indexes);
    put_length(into, "activeDeadlineSeconds", job.active_deadline);
    put_length(into, "ttlSecondsAfterFinished", job.time_to_live);
    if (job.is_suspended) into["suspend"] = true;
    put_rules(into, "podFailurePolicy", job.failure_rules, failure_rule_object);
    put_rules(into, "successPolicy", job.success_rules, success_rule_object);
    if (job.replacement == replacement_policy::failed) into["podReplacementPolicy"] = to_string(job.replacement);
    put_length(into, "unheardToleranceSeconds", from.upkeep.unheard_tolerance);
    if (from.upkeep.selector.is_empty()) return;
    into["manualSelector"] = true;
    into["selector"] = selector_object(from.upkeep.selector);
}

void read_cron_job(field_reader const& from, workload_definition& into) {
    into.upkeep = usual_upkeep(into.kind);
    auto& cron = *into.upkeep.cron;
    cron.schedule = from.text("schedule").value_or("");
    cron.time_zone = from.text("timeZone").value_or("");
    cron.starting_deadline = read_length(from, "startingDeadlineSeconds");
    if (says(from, "concurrencyPolicy", "Forbid")) cron.concurrency = concurrency_policy::forbid;
    if (says(from, "concurrencyPolicy", "Replace")) cron.concurrency = concurrency_policy::replace;
    cron.is_suspended = from.flag("suspend");
    cron.successful_history_max = read_count(from, "successfulJobsHistoryLimit").value_or(cron.successful_history_max);
    cron.failed_history_max = read_count(from, "failedJobsHistoryLimit").value_or(cron.failed_history_max);
    if (from.text("schedule"))
        if (auto const read = cron_schedule::parse(cron.schedule); !read)
            from.notes().problem(from.path_of("schedule"), read.error().message, read.error().remedy);
    if (into.name.size() > cron_name_bytes_max)
        from.notes().problem(into.form == definition_form::rik ? "name" : "metadata.name",
                             fmt::format("has {} characters; the limit is {}, because its Jobs are named after it",
                                         into.name.size(), cron_name_bytes_max),
                             "give it a shorter name");
}

void put_cron_job(json::object& into, workload_definition const& from, json::object job) {
    auto const& cron = *from.upkeep.cron;
    into["schedule"] = cron.schedule;
    if (!cron.time_zone.empty()) into["timeZone"] = cron.time_zone;
    put_length(into, "startingDeadlineSeconds", cron.starting_deadline);
    if (cron.concurrency != concurrency_policy::allow) into["concurrencyPolicy"] = to_string(cron.concurrency);
    if (cron.is_suspended) into["suspend"] = true;
    into["successfulJobsHistoryLimit"] = cron.successful_history_max;
    into["failedJobsHistoryLimit"] = cron.failed_history_max;
    json::object meta;
    for (auto const& [name, map] : {std::pair("labels", &cron.job_labels), {"annotations", &cron.job_annotations}}) {
        json::object texts;
        for (auto const& [key, value] : *map) texts[key] = value;
        if (!texts.empty()) meta[name] = std::move(texts);
    }
    if (from.form == definition_form::rik) {
        for (auto& each : job) meta[each.key()] = std::move(each.value());
        into["jobTemplate"] = std::move(meta);
        return;
    }
    json::object made;
    if (!meta.empty()) made["metadata"] = std::move(meta);
    made["spec"] = std::move(job);
    into["jobTemplate"] = std::move(made);
}

}  // namespace rik::detail
