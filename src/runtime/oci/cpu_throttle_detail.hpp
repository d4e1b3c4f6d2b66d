// Processes that have used up the time of their group do not even die: the kernel has them wait for the next period, or
// for minutes where many of them are in debt. So those that are killed are let run.
#pragma once

#include <cstdint>
#include <filesystem>

namespace rik::detail {

/// Of every group that we limit, in microseconds.   Source: Linux, sched-bwc, the usual one
inline constexpr std::int64_t cpu_period_us = 100'000;

/// Lets the group at `directory`, a container's, and the one above, its Pod's, have their quota a hundred times as
/// often. Nothing happens to a group without a quota. The quota itself stays, so that any rik can undo this. Blocks.
void lift_cpu_limit(std::filesystem::path const& directory);

/// Undoes that; nothing happens if it was not done. Blocks.
void restore_cpu_limit(std::filesystem::path const& directory);

}  // namespace rik::detail
