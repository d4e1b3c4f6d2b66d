#include <rik/runtime/process.hpp>

#include <rik/base/assert.hpp>
#include <rik/base/shortage.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik {

namespace {

constexpr int child_descriptor_max = 255;  // every number up to the highest wanted one is closed one by one

/// A descriptor that is closed with its owner.
class unique_fd {
public:
    explicit unique_fd(int number) : number_(number) {}
    unique_fd(unique_fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~unique_fd() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_;
};

error system_error(command const& what, std::string_view step, int number) {
    return system_failure(fmt::format("program {}: {}", what.program.string(), step), number);
}

/// What the child does between vfork and exec.
class spawn_plan {
public:
    spawn_plan() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        sigset_t signals;
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }
    spawn_plan(spawn_plan const&) = delete;
    ~spawn_plan() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    /// Returns 0 or an errno.
    int map_descriptors(std::vector<std::pair<int, int>> const& wanted);
    int change_directory(std::filesystem::path const& where) {
        return where.empty() ? 0 : ::posix_spawn_file_actions_addchdir_np(&actions_, where.c_str());
    }
    /// Returns 0 or an errno.
    int spawn(command const& what, pid_t& child) const;

private:
    int spawn_here(command const& what, pid_t& child) const;
    int open_null(int target) {
        auto const flags = target == STDIN_FILENO ? O_RDONLY : O_WRONLY;
        return ::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", flags, 0);
    }

    ::posix_spawn_file_actions_t actions_;
    ::posix_spawnattr_t attributes_;
    std::vector<unique_fd> copies_;
};

int spawn_plan::map_descriptors(std::vector<std::pair<int, int>> const& wanted) {
    int last = STDERR_FILENO;
    for (auto const& [ours, target] : wanted) {
        RIK_ASSERT(ours >= 0 && target >= STDOUT_FILENO && target <= child_descriptor_max);
        last = std::max(last, target);
    }
    std::vector<int> source(static_cast<std::size_t>(last) + 1, -1);
    for (auto const& [ours, target] : wanted) {
        // A copy above all targets: no dup2 below overwrites a source, and none is dup2(n, n), which keeps CLOEXEC.
        auto const copy = ::fcntl(ours, F_DUPFD_CLOEXEC, last + 1);
        if (copy < 0) return errno;
        copies_.emplace_back(copy);
        source[static_cast<std::size_t>(target)] = copy;
    }
    for (int target = 0; target <= last; ++target) {
        auto const from = source[static_cast<std::size_t>(target)];
        int failure = 0;
        if (from >= 0) {
            failure = ::posix_spawn_file_actions_adddup2(&actions_, from, target);
        } else if (target <= STDERR_FILENO) {
            failure = open_null(target);
        } else {
            failure = ::posix_spawn_file_actions_addclose(&actions_, target);
        }
        if (failure != 0) return failure;
    }
    return ::posix_spawn_file_actions_addclosefrom_np(&actions_, last + 1);
}

/// A mask belongs to the whole process, and posix_spawn cannot set one for the child alone. So it is spawned by a
/// thread that has file system attributes of its own, and lives no longer.   Source: man unshare, CLONE_FS
int spawn_plan::spawn(command const& what, pid_t& child) const {
    if (!what.creation_mask) return spawn_here(what, child);
    int failure = 0;
    auto const spawning = [&] {
        if (::unshare(CLONE_FS) != 0) {
            failure = errno;
            return;
        }
        ::umask(*what.creation_mask);
        failure = spawn_here(what, child);
    };
    try {
        std::thread(spawning).join();
    } catch (std::system_error const& no_thread) {
        return no_thread.code().value();
    }
    return failure;
}

int spawn_plan::spawn_here(command const& what, pid_t& child) const {
    static std::vector<std::string> const plain_environment{
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"};
    // posix_spawn promises not to write to what these point at.
    std::vector<char*> arguments{const_cast<char*>(what.program.c_str())};
    for (auto const& each : what.arguments) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> environment;
    for (auto const& each : what.environment.empty() ? plain_environment : what.environment) {
        environment.push_back(const_cast<char*>(each.c_str()));
    }
    environment.push_back(nullptr);
    return ::posix_spawn(&child, what.program.c_str(), &actions_, &attributes_, arguments.data(), environment.data());
}

error spawn_error(command const& what, int number) {
    if (number == ENOENT && ::access(what.program.c_str(), F_OK) != 0) {
        return error{errc::not_found, fmt::format("program {}: there is no such file", what.program.string())};
    }
    auto problem = system_error(what, "cannot be started", number);
    if (number == ENOENT && !what.working_dir.empty()) {
        problem.message += fmt::format(" (its interpreter, or the directory {})", what.working_dir.string());
    }
    return problem;
}

// glibc 2.36 has these, but its header lacks extern "C".
int open_pidfd(pid_t process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0u)); }
bool send_signal(int pidfd, int number) { return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0u) == 0; }

/// Kills and reaps a child that nobody will wait for.
void abandon(pid_t child) {
    ::kill(-child, SIGKILL);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/// Children that nobody waits for any more and that had not ended yet: each is reaped when another is started or let go
/// of. Any thread may use it.
class unwatched_children {
public:
    void add(int pidfd) {
        std::lock_guard const held(mutex_);
        all_.emplace_back(pidfd);
    }
    void reap() {
        std::lock_guard const held(mutex_);
        std::erase_if(all_, [](unique_fd const& each) {
            siginfo_t info{};
            auto const failed = ::waitid(P_PIDFD, static_cast<id_t>(each.get()), &info, WEXITED | WNOHANG);
            return failed != 0 || info.si_pid != 0;
        });
    }

private:
    std::mutex mutex_;
    std::vector<unique_fd> all_;
};

unwatched_children& unwatched() {
    static unwatched_children all;
    return all;
}

}  // namespace

struct child_process::state {
    explicit state(asio::any_io_executor executor) : ended_when_readable(std::move(executor)) {}

    /// True when the process has ended; then `ended` says how.
    bool reap();
    /// Nobody will wait for it.
    void let_go() {
        if (!reap()) unwatched().add(ended_when_readable.release());
    }

    pid_t pid = -1;
    asio::posix::stream_descriptor ended_when_readable;  // the pidfd
    std::optional<process_exit> ended;
};

bool child_process::state::reap() {
    if (ended) return true;
    siginfo_t info{};
    int failed = 0;
    do {
        auto const pidfd = static_cast<id_t>(ended_when_readable.native_handle());
        failed = ::waitid(P_PIDFD, pidfd, &info, WEXITED | WNOHANG);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0) {
        ended = process_exit{.code = 0, .known = false};  // ECHILD: the embedding program reaps all its children
    } else if (info.si_pid != 0) {
        auto const code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        ended = process_exit{.code = code, .known = true};
    }
    return ended.has_value();
}

result<child_process> child_process::start(asio::any_io_executor executor, command const& what) {
    RIK_ASSERT(what.program.is_absolute());
    unwatched().reap();
    auto inner = std::make_unique<state>(std::move(executor));
    {
        spawn_plan plan;
        if (auto const failure = plan.map_descriptors(what.descriptors)) {
            return system_error(what, "its descriptors", failure);
        }
        if (auto const failure = plan.change_directory(what.working_dir)) return spawn_error(what, failure);
        if (auto const failure = plan.spawn(what, inner->pid)) return spawn_error(what, failure);
    }
    unique_fd pidfd(open_pidfd(inner->pid));
    if (pidfd.get() < 0 && errno == ESRCH) {  // SIGCHLD is ignored by the embedding program, and the child has ended
        inner->ended = process_exit{.code = 0, .known = false};
        return child_process(std::move(inner));
    }
    auto failure = boost::system::error_code(errno, boost::system::system_category());
    if (pidfd.get() >= 0) inner->ended_when_readable.assign(pidfd.get(), failure);
    if (failure) {
        abandon(inner->pid);
        return system_error(what, "pidfd", failure.value());
    }
    pidfd.release();
    return child_process(std::move(inner));
}

child_process::child_process(std::unique_ptr<state> inner) : state_(std::move(inner)) {}
child_process::child_process(child_process&&) noexcept = default;

child_process& child_process::operator=(child_process&& other) noexcept {
    if (state_) state_->let_go();
    state_ = std::move(other.state_);
    return *this;
}

child_process::~child_process() {
    if (state_) state_->let_go();
}

pid_t child_process::pid() const { return state_->pid; }

awaitable<result<process_exit>> child_process::wait() {
    auto& inner = *state_;
    while (!inner.reap()) {
        auto const [failure] = co_await inner.ended_when_readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                                                             asio::as_tuple(asio::use_awaitable));
        if (failure == asio::error::operation_aborted) throw cancelled{};
        if (failure) {
            co_return error{errc::internal, fmt::format("process {}: {}", inner.pid, failure.message())};
        }
    }
    co_return *inner.ended;
}

void child_process::stop_waiting() {
    boost::system::error_code ignored;
    state_->ended_when_readable.cancel(ignored);
}

result<void> child_process::signal(int number) {
    if (!state_->reap()) {
        if (send_signal(state_->ended_when_readable.native_handle(), number)) return {};
        if (errno != ESRCH) {
            return error{errc::internal,
                         fmt::format("process {}: signal {}: {}", state_->pid, number, std::strerror(errno))};
        }
    }
    return error{errc::not_found, fmt::format("process {} has ended", state_->pid)};
}

}  // namespace rik
