// Directories that are deleted later: on some disks a container's few directories take 50 ms.
#pragma once

#include "machine_detail.hpp"

#include <rik/base/result.hpp>

#include <filesystem>

namespace rik::detail {

/// Takes `path`, which is below run_dir or state_dir, out of the way at once. Nothing happens if it is not there.
/// Precondition: nothing is mounted below.
result<void> discard(machine const& on, std::filesystem::path const& path);

/// Deletes what was discarded. Blocks.
void empty_trash(machine const& on);

}  // namespace rik::detail
