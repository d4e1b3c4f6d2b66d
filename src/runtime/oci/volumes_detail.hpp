// The volumes of a Pod, which its containers share, and the places in them that a container is given.
#pragma once

#include "layout_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace rik::detail {

/// Makes those that are not there. A disk volume is a directory that is kept over a reboot, one in memory a tmpfs of at
/// most its own limit, else of the Pod's memory, else of half of the machine's: what is written counts to the group of
/// who writes it, and when that is gone to its Pod's. Blocks.
/// Errors: exhausted; internal.
result<void> make_volumes(pod_paths const& paths, sandbox_request const& request, std::int64_t machine_bytes);

/// The most that a volume in memory may hold.   Source: Kubernetes, "Volumes", emptyDir; Linux, tmpfs.rst
std::int64_t memory_volume_bytes(empty_dir const& volume, std::int64_t pod_limit_bytes, std::int64_t machine_bytes);

/// Where mount number `index` of a container has its source: its volume, or the mount of its sub path, if it has one,
/// which `pin_sub_paths` makes. Errors: invalid, the Pod has no such volume.
result<std::filesystem::path> source_of(pod_paths const& pod, container_paths const& container,
                                        std::vector<volume_mount> const& mounts, std::size_t index);

/// Finds each sub path within its volume, or makes it, and holds it by a mount below the bundle, so that it stays what
/// it is: the containers of the Pod may replace it by a link that leads elsewhere at any time.
/// Errors: invalid, there is something in the way, or no such volume; exhausted; internal.
result<void> pin_sub_paths(pod_paths const& pod, container_paths const& container,
                           std::vector<volume_mount> const& mounts);
result<void> unpin_sub_paths(container_paths const& container);

}  // namespace rik::detail
