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

}  // namespace rik::detail
