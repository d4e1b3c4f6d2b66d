// What a Deployment says of its rollout, in the words of Kubernetes.
// Source: Kubernetes, pkg/controller/deployment/progress.go and sync.go.
#pragma once

#include "deployment_sizes_detail.hpp"

#include <rik/controllers/controller.hpp>

namespace rik::detail {

/// Adds the conditions to the plan's progress, whose counts are there; and when a deadline passes, to look again.
void add_conditions(workload_view const& of, size_bounds const& bounds, workload_plan& plan);

}  // namespace rik::detail
