// Programs that were run in containers and have lost the OCI runtime that waited for them: it was killed, by us when
// their time was over, or by anybody. They are children of a subreaper, as apps/rik is, and nobody else reaps them. The
// first process of a PID namespace cannot end before all others are reaped: one that is forgotten keeps its container
// for ever.
#pragma once

#include "context_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/async/notifier.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rik::detail {

/// Is this, in a process's /proc/PID/status, one of a PID namespace below, and not its first? The first is a container,
/// whose end is told.   Source: man proc_pid_status, NSpid
bool is_run_in_container(std::string_view status);

/// Kills those that run, and reaps those that have ended, in a process that inherits orphans: a program that links this
/// library and is no subreaper has only children of its own, which are not ours to end. Returns how many are left.
/// Blocks; reads a file for each child.
std::size_t end_stray_children();

/// The children of every thread of this process: an orphan may become the child of any. Blocks.
std::vector<pid_t> own_children();

/// Looks for them while there are some. Use it from the strand only.
class stray_children {
public:
    explicit stray_children(runtime_context const& on) : on_(on), lost_(on.options.executor) {}

    /// A program may have lost its OCI runtime.
    void look() { lost_.notify(); }
    /// Ends what is found, for ever.
    awaitable<> run();

private:
    runtime_context const& on_;
    notifier lost_;
};

}  // namespace rik::detail
