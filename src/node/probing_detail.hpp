// What probes and hooks ask, and what their answers mean: pure.
#pragma once

#include "pod_machine_detail.hpp"

#include <rik/model/definition.hpp>
#include <rik/runtime/prober.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// A hook has no time limit: this bounds one that nobody else ends.
inline constexpr duration hook_time_max = std::chrono::hours(24);

std::optional<probe_definition> const& probe_of(container_definition const& container, probe_kind kind);

/// Precondition: it is not an exec_action.
network_probe network_part(probe_action what);
/// Precondition: it is not a sleep_action.
probe_action action_of(hook_action what);

/// A program that takes too long has failed.   Source: Kubernetes, "Configure Probes", exec.
result<probe_answer> answer_of(result<exec_result> const& ended);

/// "its readiness probe failed: http :8080/healthz: HTTP 503"
std::string describe_probe(probe_kind kind, probe_action const& asked, std::string_view answer);
std::string describe_hook(hook_kind kind, std::string_view answer);

}  // namespace rik::detail
