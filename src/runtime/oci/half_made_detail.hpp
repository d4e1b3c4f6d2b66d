// Containers whose making was cut short: what still works on them is found and killed.
#pragma once

#include "context_detail.hpp"
#include "unique_fd_detail.hpp"

#include <vector>

namespace rik::detail {

/// Kills the conmon and the runc of a container that has no record, and what they have begun in its cgroup. The makers
/// have no cgroup of their own until it has a record, so they are known by its bundle in their command lines.
/// Gives all of them: once all have ended they are to be reaped, as a child of conmon is ours when conmon has ended.
/// Blocks; reads all of /proc.
std::vector<unique_fd> kill_makers(runtime_context const& on, container_paths const& paths);

}  // namespace rik::detail
