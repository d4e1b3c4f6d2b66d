// Containers whose making was cut short: what still works on them is found and killed.
#pragma once

#include "machine_detail.hpp"

namespace rik::detail {

/// Kills the conmon and the runc of a container that has no record, and what they have begun in its cgroup. The makers
/// have no cgroup of their own until it has a record, so they are known by the container's id in their command lines.
/// Blocks; reads all of /proc.
void kill_makers(machine const& on, container_paths const& paths);

}  // namespace rik::detail
