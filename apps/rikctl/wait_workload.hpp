// Waiting for workloads that keep their instances themselves.
#pragma once

#include <rik/client/wait.hpp>

#include <optional>
#include <string_view>

#include "session.hpp"

namespace rikctl {

/// "condition=Available" or "condition=progressing=false": a condition of a Deployment itself. None: it is another
/// goal.
std::optional<rik::wait_goal> parse_deployment_condition(std::string_view text);

/// Is it waited for by `wait_for_workload`?
bool is_goal_of_workload(rik::wait_request const& request);

/// As rik::wait_for. Of a workload that keeps its instances, those that leave do not count, and others may come in the
/// place of those that have gone. Errors: as of rik::wait_for; invalid, it is no Deployment, whose condition is waited
/// for.
rik::result<rik::wait_verdict> wait_for_workload(session& with, rik::client& server, rik::wait_request const& request);

}  // namespace rikctl
