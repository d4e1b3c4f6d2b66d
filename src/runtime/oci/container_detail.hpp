// The life of one container: made, started, seen, ended, removed.
#pragma once

#include "context_detail.hpp"
#include "record_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <optional>

#include <sys/types.h>

namespace rik::detail {

/// Makes and starts it; a container of this key that was started before is left as it is.
awaitable<result<void>> start_container(runtime_context const& on, container_request request);

/// Its first process, and the signal that asks it to end.
struct started_process {
    pid_t id = -1;
    int stop_signal = 0;
};
/// The record of a container whose conmon and first process are there. Blocks. Errors: internal, one of them has ended.
result<container_record> make_record(runtime_context const& on, container_paths const& paths, started_process what);

/// What can be seen of a container that was started at least once.
struct container_view {
    container_record record;
    unique_fd monitor;                   ///< conmon's pidfd; empty once it has ended
    unique_fd dying;                     ///< of a container without conmon: its first process, which has been killed
    std::optional<container_exit> exit;  ///< set once it has ended
    bool is_running() const { return !exit; }
    /// Ends when the container does, or a moment later. Empty if it has ended.
    unique_fd& until_end() { return monitor ? monitor : dying; }
};

/// It was started, whether or not it still runs. Blocks. Errors: exhausted; internal: it is not known.
result<bool> has_started(container_paths const& paths);

/// Blocks. A container whose conmon was killed is killed here: nobody reads its output any more. It runs until it is
/// dead, so that its next attempt never runs beside it.
/// Errors: not_found, it was never started; corrupt, its record is damaged; exhausted; internal: it is not known how it
/// is, and nothing was done to it.
result<container_view> view_container(runtime_context const& on, container_paths const& paths);

/// conmon ends a moment after it has written the exit code: waits for that, and reaps it. Gives up on one that hangs.
awaitable<> await_monitor(runtime_context const& on, unique_fd monitor);

/// Errors: not_found, it does not run; those of view_container. Blocks.
result<void> signal_container(runtime_context const& on, container_paths const& paths);
result<void> kill_container(runtime_context const& on, container_paths const& paths);

/// Removes all but its logs. What is still in use is tried again for some seconds.
/// Errors: timed_out, it is still in use; internal.
awaitable<result<void>> remove_container(runtime_context const& on, container_paths paths);

}  // namespace rik::detail
