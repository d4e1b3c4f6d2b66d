// Directories that are deleted later: on some disks a container's few directories take 50 ms.
#pragma once

#include "context_detail.hpp"

#include <rik/base/result.hpp>

#include <filesystem>
#include <stop_token>

namespace rik::detail {

/// Takes `path`, which is below run_dir or state_dir, out of the way at once. Nothing happens if it is not there.
/// Precondition: nothing is mounted below.
result<void> discard(runtime_context const& on, std::filesystem::path const& path);

/// Deletes what was discarded. Blocks; after `stop` not for longer than one file takes, and what is left is for the
/// next call.
void empty_trash(runtime_context const& on, std::stop_token const& stop);

}  // namespace rik::detail
