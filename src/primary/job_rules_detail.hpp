// What holds for Jobs that are made or changed from now on. Not rules of definitions: those that are kept are accepted
// for ever.
#pragma once

#include <rik/base/error.hpp>
#include <rik/model/definition.hpp>

#include <optional>

namespace rik::detail {

/// The instances of a Job have its name in a label.
std::optional<error> check_job_name(workload_definition const& of);

/// Where each of very many indexes may fail by itself, few of them may, and few are tried at once: what a Job keeps of
/// them stays small. Of a Job, and of the Jobs of a CronJob.   Source: Kubernetes, validateJobSpec
std::optional<error> check_many_indexes(workload_definition const& of);

}  // namespace rik::detail
