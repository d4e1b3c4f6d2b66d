// conmon: one small process per container that has runc make it, keeps its log, and outlives us.
#pragma once

#include "context_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/runtime/process.hpp>

#include <string_view>

#include <sys/types.h>

namespace rik::detail {

/// A conmon that was started and has not yet said whether the container could be made.
struct conmon_launch {
    child_process parent;  ///< forks the one that stays, and ends
    unique_fd said;        ///< what it says comes here
};

/// Blocks for about half a millisecond.
result<conmon_launch> launch_conmon(runtime_context const& on, container_paths const& paths, std::string const& name);

/// Waits for the end of conmon's parent, which takes 2 ms; one that takes longer than `deadline` is killed. A parent
/// that nobody waits for would be a zombie, so this is not for a caller that may be cancelled: see async/shield.
/// Errors: timed_out; internal; unavailable, a signal has ended it.
awaitable<result<void>> await_forked(runtime_context const& on, child_process& parent, time_point deadline);

/// The pid of the container, which is made and waits to be started. conmon.pid is written then.
/// Errors: invalid, its program cannot be run; exhausted; internal, all with runc's message; unavailable, something has
/// ended conmon, the OCI runtime or one of its processes.
awaitable<result<pid_t>> await_created(runtime_context const& on, unique_fd said);

/// What conmon says on its sync pipe: {"data": PID} or {"data": -1, "message": "..."}.
/// Source: conmon 2.1, src/parent_pipe_fd.c, with --api-version 1.
result<pid_t> parse_created(std::string_view line);

/// Moves the conmon of a started container to a cgroup of its own, so that what happens to ours leaves it alone.
/// Blocks.
void move_conmon(runtime_context const& on, container_paths const& paths);

/// Has conmon open its log file anew, after it was renamed. False if it is not there. A slow conmon that was told and
/// has not read it yet is not told again: it would replace the new file, and lose what it has written to that
/// meanwhile.
bool reopen_log(container_paths const& paths);

}  // namespace rik::detail
