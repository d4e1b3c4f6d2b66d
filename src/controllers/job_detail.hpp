// The parts of the controller of Jobs.
#pragma once

#include "common_detail.hpp"

#include <optional>
#include <string>

namespace rik::detail {

/// A Job with its counts and what runs of it. Refers to what it was made from.
struct job_sight {
    explicit job_sight(workload_view const& of);

    workload_view const& of;
    job_upkeep const& wanted;
    job_record const& counts;
    instance_list active;
    instance_list leaving;  ///< nobody wants them any more, and something of them may still run

    /// Instances that have succeeded; of an indexed Job indexes.
    std::uint64_t succeeded() const;
    workload_condition const* last(workload_condition_type type) const;
    /// It was said to be so.
    bool held(workload_condition_type type) const;
};

/// Why a Job is over, or will be once nothing of it runs.
struct job_outcome {
    workload_condition_type target = workload_condition_type::failure_target;  ///< or success_criteria_met
    std::string reason = {};
    std::string message = {};
};

/// nullopt: it goes on. `started_at`: since when its deadline runs.
std::optional<job_outcome> find_outcome(job_sight const& of, std::optional<wall_time> started_at);

/// When its deadline passes; nullopt: never.
std::optional<wall_time> deadline_of(job_upkeep const& of, std::optional<wall_time> started_at);

/// Removes what is too much, or else makes what is missing and may be made now.
void plan_job_instances(job_sight const& of, workload_plan& plan);

/// `is_excused`: its end does not count.
void remove_of_job(job_sight const& of, workload_plan& plan, seen_instance const& which, std::string why,
                   bool is_excused);

}  // namespace rik::detail
