// A process that may have ended: its number and when it began, so that a number that is used again is not taken for it.
#pragma once

#include "unique_fd_detail.hpp"

#include <rik/base/result.hpp>

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace rik::detail {

struct process_identity {
    pid_t pid = -1;
    std::uint64_t start_ticks = 0;  ///< since the boot; field 22 of /proc/PID/stat
    friend bool operator==(process_identity const&, process_identity const&) = default;
};

/// Nothing if there is no such process. Errors: exhausted; internal: it is not known whether there is.
result<std::optional<process_identity>> identify(pid_t pid);

/// A pidfd; empty if the process is gone (a zombie is not). Errors: exhausted; internal: it is not known whether it is.
result<unique_fd> open_process(process_identity const& process);

/// True if a pidfd's process has ended (a zombie has), or does within `wait_ms`.
bool has_ended(unique_fd const& pidfd, int wait_ms = 0);

/// A subreaper, as apps/rik is, inherits the processes that conmon leaves behind, and conmon itself. These two do
/// nothing for a process that is not our child or has not ended, so librik needs no subreaper.
/// Source: man 2const PR_SET_CHILD_SUBREAPER, waitid(P_PIDFD).
///
/// How an inherited process has ended: its code, or 128 + n when signal n killed it. It stays to be reaped.
std::optional<int> inherited_exit(unique_fd const& pidfd);
/// Takes it off the process table.
void reap(unique_fd const& pidfd);

}  // namespace rik::detail
