// When a Job has come to its end, and how.
#include "job_detail.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string_view>

namespace rik::detail {

namespace {

using enum workload_condition_type;

job_outcome failure(std::string reason, std::string message) {
    return {failure_target, std::move(reason), std::move(message)};
}

/// With OnFailure the restarts of what is active count, too; 0: they are not too many.
/// Source: Kubernetes, pastBackoffLimitOnFailure
std::uint64_t too_many_restarts(job_sight const& of) {
    if (of.of.wanted.definition->spec.restart != restart_policy::on_failure) return 0;
    std::uint64_t restarts = 0;
    for (auto const* each : of.active) restarts += each->restart_count;
    return restarts >= of.wanted.backoff_limit ? restarts : 0;
}

/// The sentence is Kubernetes'; the figures behind it are ours.
job_outcome past_backoff_limit(job_sight const& of, std::uint64_t count, std::string_view what) {
    return failure("BackoffLimitExceeded", fmt::format("Job has reached the specified backoff limit: {} {}{}, and "
                                                       "backoffLimit is {}",
                                                       count, what, count == 1 ? "" : "s", of.wanted.backoff_limit));
}

std::optional<job_outcome> find_failure(job_sight const& of, std::optional<wall_time> started_at) {
    auto const& wanted = of.wanted;
    auto const& counts = of.counts;
    if (!counts.fatal.empty()) return failure("PodFailurePolicy", counts.fatal);
    if (counts.failed > wanted.backoff_limit) return past_backoff_limit(of, counts.failed, "failure");
    if (auto const restarts = too_many_restarts(of)) return past_backoff_limit(of, restarts, "restart");
    if (auto const deadline = deadline_of(wanted, started_at); deadline && *deadline <= of.of.now)
        return failure("DeadlineExceeded",
                       fmt::format("Job was active longer than specified deadline: activeDeadlineSeconds is {}",
                                   std::chrono::duration_cast<std::chrono::seconds>(*wanted.active_deadline).count()));
    auto const lost = counts.failed_indexes.count_below(wanted.completions.value_or(0));
    if (wanted.max_failed_indexes && lost > *wanted.max_failed_indexes)
        return failure("MaxFailedIndexesExceeded",
                       fmt::format("Job has exceeded the specified maximal number of failed indexes: {}, and "
                                   "maxFailedIndexes is {}",
                                   lost, *wanted.max_failed_indexes));
    return std::nullopt;
}

bool is_met(success_rule const& rule, job_sight const& of) {
    auto const have = rule.indexes ? of.counts.completed.count_shared(*rule.indexes) : of.succeeded();
    return have >= (rule.count ? *rule.count : rule.indexes->size());
}

std::optional<job_outcome> find_success_rule(job_sight const& of) {
    for (std::size_t i = 0; i < of.wanted.success_rules.size(); ++i)
        if (is_met(of.wanted.success_rules[i], of))
            return job_outcome{success_criteria_met, "SuccessPolicy", fmt::format("Matched rules at index {}", i)};
    return std::nullopt;
}

/// What is active comes to its end first.
std::optional<job_outcome> find_completion(job_sight const& of) {
    if (!of.active.empty()) return std::nullopt;
    auto const have = of.succeeded();
    job_outcome const done{success_criteria_met, "CompletionsReached", "Reached expected number of succeeded pods"};
    auto const& completions = of.wanted.completions;
    if (!completions) return have > 0 ? std::optional(done) : std::nullopt;
    if (have >= *completions) return done;
    auto const lost = of.wanted.is_indexed() ? of.counts.failed_indexes.count_below(*completions) : 0;
    if (lost == 0 || have + lost < *completions) return std::nullopt;
    return failure("FailedIndexes", "Job has failed indexes");
}

}  // namespace

std::optional<wall_time> deadline_of(job_upkeep const& of, std::optional<wall_time> started_at) {
    if (!of.active_deadline || !started_at || of.is_suspended) return std::nullopt;
    return *started_at + std::chrono::ceil<wall_time::duration>(*of.active_deadline);
}

/// What was said once stays.
std::optional<job_outcome> find_outcome(job_sight const& of, std::optional<wall_time> started_at) {
    for (auto const type : {success_criteria_met, failure_target})
        if (of.held(type)) return job_outcome{type, of.last(type)->reason, of.last(type)->message};
    if (auto failed = find_failure(of, started_at)) return failed;
    if (auto done = find_success_rule(of)) return done;
    return find_completion(of);
}

}  // namespace rik::detail
