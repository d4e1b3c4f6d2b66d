// The node agent's own limits.
#pragma once

#include <rik/base/limits.hpp>

namespace rik::limits {

/// Log readers at once: each has an inotify instance, of which the kernel gives 128 to a user by default.
inline constexpr std::size_t streams_per_node_max = 64;
/// From the kill of a container to its end. Past it, it is waited for beside everything else.
inline constexpr duration kill_timeout = 10s;

}  // namespace rik::limits
