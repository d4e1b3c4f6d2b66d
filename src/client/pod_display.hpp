// What a table shows of an instance, in the words that people know from kubectl.
#pragma once

#include "client/json_view.hpp"

#include <rik/client/print.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rik::detail {

struct pod_display {
    std::string status;  ///< "Running", "CrashLoopBackOff", "Init:1/2", "Completed", "Terminating"
    tone how = tone::plain;
    std::size_t ready_count = 0;
    std::size_t container_count = 0;  ///< main containers and sidecars
    std::int64_t restart_count = 0;
    std::optional<wall_time> restarted_at = {};  ///< when the last attempt before has ended
};

/// Source: Kubernetes, pkg/printers/internalversion, how a Pod is printed.
pod_display display_of(boost::json::object const& instance);

/// Why it is as it is: "CrashLoopBackOff: main: exited with 3; starts again in 20s", "Started: main: its readiness
/// probe failed: ...". Of what runs and is not ready the container says more than the Pod does.
std::string told_reason(boost::json::object const& instance, wall_time now);

}  // namespace rik::detail
