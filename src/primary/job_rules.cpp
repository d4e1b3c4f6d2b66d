#include "job_rules_detail.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t label_bytes_max = 63;
constexpr std::uint32_t many_completions = 100'000;
constexpr std::uint32_t parallelism_of_many_max = 10'000;
constexpr std::uint32_t failed_of_many_max = 10'000;

std::string place_in_text(workload_definition const& of, std::string_view field) {
    std::string path = of.form == definition_form::rik ? "" : "spec.";
    if (of.kind == workload_kind::cron_job)
        path += of.form == definition_form::rik ? "jobTemplate." : "jobTemplate.spec.";
    return path.append(field);
}

error too_much_for_many(workload_definition const& of, std::string_view field, std::string_view what,
                        std::uint32_t most) {
    return error{errc::invalid,
                 fmt::format("{} {}: {} {}: it has {} completions and backoffLimitPerIndex", to_string(of.kind),
                             of.name, field, what, *of.upkeep.job->completions),
                 place_in_text(of, field),
                 fmt::format("with more than {} completions make it {} at most", many_completions, most)};
}

}  // namespace

std::optional<error> check_job_name(workload_definition const& of) {
    if (of.kind != workload_kind::job || of.name.size() <= label_bytes_max) return std::nullopt;
    return error{
        errc::invalid,
        fmt::format("the name of Job {} has {} characters; the limit is {}, because its instances have it in a "
                    "label",
                    of.name, of.name.size(), label_bytes_max),
        of.form == definition_form::rik ? "name" : "metadata.name", "give it a shorter name"};
}

std::optional<error> check_many_indexes(workload_definition const& of) {
    if (!of.upkeep.job) return std::nullopt;
    auto const& job = *of.upkeep.job;
    if (!job.backoff_limit_per_index || job.completions.value_or(0) <= many_completions) return std::nullopt;
    constexpr std::string_view failed = "maxFailedIndexes";
    if (!job.max_failed_indexes) return too_much_for_many(of, failed, "is missing", failed_of_many_max);
    if (*job.max_failed_indexes > failed_of_many_max)
        return too_much_for_many(of, failed, fmt::format("is {}", *job.max_failed_indexes), failed_of_many_max);
    if (job.parallelism > parallelism_of_many_max)
        return too_much_for_many(of, "parallelism", fmt::format("is {}", job.parallelism), parallelism_of_many_max);
    return std::nullopt;
}

}  // namespace rik::detail
