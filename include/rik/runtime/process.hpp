// The one place that starts child processes: by posix_spawn, with a process group of their own, without inherited
// descriptors, and with a pidfd.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace rik {

/// A program and what it gets. Standard input is /dev/null. Every other descriptor that is not named here is closed.
struct command {
    std::filesystem::path program;            ///< absolute
    std::vector<std::string> arguments = {};  ///< without the program's own name
    /// "NAME=value"; the child gets exactly these. Empty: a plain PATH, and HOME=/root.
    std::vector<std::string> environment = {};
    std::filesystem::path working_dir = {};             ///< empty: the parent's
    std::vector<std::pair<int, int>> descriptors = {};  ///< (ours, the child's from 1 to 255)
    std::size_t output_bytes_max = 1u << 20;            ///< of each of stdout and stderr kept by `run_process`
    /// The umask of the child and of what it starts. What the tools make must not depend on the shell that started this
    /// program. nullopt: the umask of this process. With a mask the child is started by a thread that ends at once: a
    /// child that asks for the end of its parent (PR_SET_PDEATHSIG) is told of that one's.
    std::optional<mode_t> creation_mask = 022;
    /// Called when the child is to be killed, at its deadline or because its caller is cancelled, before that. It must
    /// not block for long.
    std::function<void()> when_killed = {};
    bool has_one_output = false;  ///< what it writes to standard error is part of its standard output
};

/// How a process ended: its code, or 128 + n when signal n killed it. `known` is false when somebody else reaped it.
struct process_exit {
    int code = 0;
    bool known = true;
};

struct process_output {
    process_exit exit;
    std::string out;
    std::string err;
    bool is_cut = false;   ///< it wrote more than was kept
    bool is_late = false;  ///< it was killed at the deadline
};

/// A running child. Destroying this object does not stop the process. It is reaped then if it has ended, else when
/// another child is started. Source: man posix_spawn, pidfd_open, waitid(P_PIDFD). No SIGCHLD handler is used.
class child_process {
public:
    /// Standard output and error go to /dev/null unless `descriptors` maps 1 or 2.
    /// Errors: not_found, there is no such program; exhausted, the system is short of something (is_shortage);
    /// internal, the kernel refused.
    static result<child_process> start(asio::any_io_executor executor, command const& what);

    child_process(child_process&&) noexcept;
    child_process& operator=(child_process&&) noexcept;
    ~child_process();

    pid_t pid() const;
    /// Completes when the process has ended, and reaps it. Cancel: the process runs on.
    awaitable<result<process_exit>> wait();
    /// Ends a `wait` under way as its cancellation does.
    void stop_waiting();
    /// Errors: not_found, it has ended.
    result<void> signal(int number);

private:
    struct state;
    explicit child_process(std::unique_ptr<state> inner);
    std::unique_ptr<state> state_;
};

/// Runs `what` to its end and returns its output. If the child is not done at `deadline`, or the caller is cancelled,
/// the child is killed with its process group. One that cannot end (it is frozen, or in the kernel) is left alone two
/// seconds later. Errors: as of child_process::start; timed_out. A non-zero exit is a value, not an error.
awaitable<result<process_output>> run_process(command what, time_point deadline);

/// The same, but a child that was killed at the deadline is a value, too, with what it had written.
awaitable<result<process_output>> run_process_until(command what, time_point deadline);

/// As run_process, but a non-zero exit is an error: internal, with the program's name and the last lines of its stderr,
/// or exhausted, if these say that the system was short of something.
awaitable<result<process_output>> run_process_ok(command what, time_point deadline);

/// Finds a program as a shell does, in the directories of PATH and the usual sbin directories.
/// Errors: not_found; for the programs that RIK uses, the remedy names the Debian package.
result<std::filesystem::path> find_program(std::string_view name);

}  // namespace rik
