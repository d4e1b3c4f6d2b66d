#include "container_detail.hpp"
#include "cpu_throttle_detail.hpp"
#include "files_detail.hpp"
#include "half_made_detail.hpp"
#include "mounts_detail.hpp"
#include "readiness_detail.hpp"
#include "trash_detail.hpp"
#include "volumes_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr duration removal_time_max = 10s;
constexpr duration removal_pause_min = 2ms;
constexpr duration removal_pause_max = 100ms;
constexpr duration end_time_max = 1s;
constexpr std::size_t exit_bytes_max = 4096;
constexpr std::size_t name_bytes_max = 4096;
constexpr int killed_by_signal = 137;

std::optional<wall_time> changed_at(std::filesystem::path const& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) return std::nullopt;
    auto const since = std::chrono::seconds(about.st_mtim.tv_sec) + std::chrono::nanoseconds(about.st_mtim.tv_nsec);
    return wall_time(std::chrono::floor<std::chrono::microseconds>(since));
}

/// A child that was killed for want of memory is not the container's end, but may well be why it has ended.
void add_memory_trouble(runtime_context const& on, container_paths const& paths, container_exit& to) {
    auto const found = on.groups.find_memory_trouble(paths.cgroup);
    to.memory_kills = found.kills;
    to.memory_limit_hit = found.limit_hit;
    to.is_limit_of_pod = found.is_limit_of_pod;
    to.out_of_memory = found.kills > 0 && to.code_known && to.code == killed_by_signal;
}

/// What conmon wrote when the container had ended; nothing if it has not. A file that makes no sense (power was lost
/// while it was written) says that the container has ended, and not how: as when conmon was killed.
result<std::optional<container_exit>> read_exit(runtime_context const& on, container_paths const& paths) {
    auto const text = read_file_if_there(paths.exit_file(), exit_bytes_max);
    if (!text) return text.error();
    if (!*text) return std::optional<container_exit>();
    container_exit found{.code = killed_by_signal,
                         .code_known = false,
                         .finished_at = changed_at(paths.exit_file()).value_or(wall_time{})};
    auto const [end, failure] = std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), found.code);
    found.code_known = failure == std::errc{};
    add_memory_trouble(on, paths, found);
    return std::optional(found);
}

/// conmon is gone, and the container, which is ours then if we are a subreaper, has ended by itself: writes what conmon
/// would have written.
void save_inherited_exit(container_paths const& paths, process_identity const& process) {
    auto const container = open_process(process);
    if (!container || !*container) return;
    auto const code = inherited_exit(*container);
    // The mark is looked for after the end: lost_exit makes it before it kills.
    if (!code || changed_at(paths.lost_mark())) return;
    [[maybe_unused]] auto const written = replace_file(paths.exit_file(), std::to_string(*code));
}

/// conmon is gone and left no exit code: it was killed, or the machine went down. Kills what runs.
void end_unwatched(runtime_context const& on, container_paths const& paths) {
    if (!changed_at(paths.lost_mark())) {
        [[maybe_unused]] auto const written = write_file(paths.lost_mark(), "");
    }
    on.groups.kill(paths.cgroup);
}

container_exit lost_exit(runtime_context const& on, container_paths const& paths) {
    container_exit found{.code = killed_by_signal,
                         .code_known = false,
                         .finished_at = changed_at(paths.lost_mark()).value_or(on.time.wall())};
    add_memory_trouble(on, paths, found);
    return found;
}

/// Of a container without a conmon, of which it is not written that it has ended. It runs until its first process has
/// ended, with which all others of its PID namespace end.
result<void> see_unwatched(runtime_context const& on, container_paths const& paths, container_view& seen) {
    end_unwatched(on, paths);
    if (seen.record.boot_id == on.boot_id) {
        auto dying = open_process(seen.record.container);
        if (!dying) return dying.error();
        if (*dying && !has_ended(*dying)) seen.dying = std::move(*dying);
    }
    if (!seen.dying) seen.exit = lost_exit(on, paths);
    return {};
}

error does_not_run(container_paths const& paths) {
    return error{errc::not_found, fmt::format("container {}: does not run", paths.id)};
}

/// Errors: not_found, it does not run; those of view_container.
result<container_view> view_running(runtime_context const& on, container_paths const& paths) {
    auto seen = view_container(on, paths);
    if (seen ? !seen->is_running() : is_no_record(seen.error())) return does_not_run(paths);
    return seen;
}

/// What was killed and is to be waited for.
struct dying_processes {
    unique_fd monitor;
    std::vector<unique_fd> others;
};

/// Kills what runs but conmon, which writes the exit code for whoever waits for it.
dying_processes kill_processes(runtime_context const& on, container_paths const& paths) {
    dying_processes dying;
    auto seen = view_container(on, paths);
    if (!seen) dying.others = kill_makers(on, paths);
    on.groups.kill(paths.cgroup);
    if (!seen || seen->record.boot_id != on.boot_id) return dying;
    dying.monitor = std::move(seen->monitor);
    if (auto container = open_process(seen->record.container); container && *container) {
        dying.others.push_back(std::move(*container));
    }
    return dying;
}

/// conmon has had its time. It may hang, and its cgroup is its own only where there is the unified hierarchy.
void kill_monitor(runtime_context const& on, container_paths const& paths, dying_processes& dying) {
    if (dying.monitor && !has_ended(dying.monitor)) ::pidfd_send_signal(dying.monitor.get(), SIGKILL, nullptr, 0);
    if (dying.monitor) dying.others.insert(dying.others.begin(), std::move(dying.monitor));
    on.groups.kill(paths.monitor_cgroup);
}

awaitable<result<void>> await_end(runtime_context const& on, unique_fd const& process) {
    readiness ended(on.options.executor);
    if (auto const added = ended.add(process); !added) co_return added;
    co_await ended.wait();
    co_return result<void>{};
}

/// Not in the pool, which others need: a process that hangs in the kernel takes all of the time.
awaitable<> await_end_until(runtime_context const& on, unique_fd const& process, time_point deadline) {
    if (!process || has_ended(process)) co_return;
    auto ending = await_end(on, process);
    [[maybe_unused]] auto const in_time = co_await with_deadline(on.time, deadline, std::move(ending));
}

awaitable<> end_processes(runtime_context const& on, container_paths const& paths) {
    auto killing = [&] { return kill_processes(on, paths); };
    auto dying = co_await offload(on.options.pool, std::move(killing));
    co_await await_end_until(on, dying.monitor, on.time.now() + end_time_max);
    auto killing_monitor = [&] { kill_monitor(on, paths, dying); };
    co_await offload(on.options.pool, std::move(killing_monitor));
    auto const deadline = on.time.now() + end_time_max;
    for (auto const& each : dying.others) co_await await_end_until(on, each, deadline);
    for (auto const& each : dying.others) {
        if (has_ended(each)) reap(each);
    }
}

/// Errors: conflict, something is in use yet.
result<void> remove_once(runtime_context const& on, container_paths const& paths) {
    if (auto const done = unmount(paths.rootfs()); !done) return done;
    if (auto const done = unpin_sub_paths(paths); !done) return done;
    for (auto const& each : {paths.monitor_cgroup, paths.cgroup}) {
        if (auto const removed = on.groups.remove(each); !removed) {
            lift_cpu_limit(on.groups.cpu_directory(each));
            return removed;
        }
    }
    restore_cpu_limit(on.groups.cpu_directory(paths.cgroup));  // of the Pod
    // Its own directory goes last: as long as it is there, the rest is found.
    for (auto const& each : {paths.runtime_state, paths.bundle, paths.state}) {
        if (auto const removed = discard(on, each); !removed) return removed;
    }
    return {};
}

}  // namespace

result<bool> has_started(container_paths const& paths) {
    auto const record = read_record(paths);
    if (!record) return is_no_record(record.error()) ? result<bool>(false) : record.error();
    if (::access(paths.start_fifo().c_str(), F_OK) != 0) return true;
    // Either nobody read from the fifo, or who did died before he removed it.
    auto const name = read_file_if_there(fmt::format("/proc/{}/comm", record->container.pid), name_bytes_max);
    if (!name) return name.error();
    return !*name || !((*name)->starts_with("runc:[") || (*name)->starts_with("crun"));
}

result<container_view> view_container(runtime_context const& on, container_paths const& paths) {
    auto record = read_record(paths);
    if (!record) return record.error();
    container_view seen{.record = std::move(*record), .monitor = {}, .dying = {}, .exit = {}};
    // Before the exit code is looked for: conmon writes it and ends then.
    if (seen.record.boot_id == on.boot_id) {
        auto monitor = open_process(seen.record.monitor);
        if (!monitor) return monitor.error();
        seen.monitor = std::move(*monitor);
    }
    if (seen.monitor && has_ended(seen.monitor)) {
        reap(seen.monitor);
        seen.monitor.reset();
    }
    if (!seen.monitor && seen.record.boot_id == on.boot_id && !changed_at(paths.exit_file()))
        save_inherited_exit(paths, seen.record.container);
    auto const exit = read_exit(on, paths);
    if (!exit) return exit.error();
    seen.exit = *exit;
    if (seen.exit || seen.monitor) return seen;
    if (auto const unwatched = see_unwatched(on, paths, seen); !unwatched) return unwatched.error();
    return seen;
}

awaitable<> await_monitor(runtime_context const& on, unique_fd monitor) {
    co_await await_end_until(on, monitor, on.time.now() + end_time_max);
    if (monitor && has_ended(monitor)) reap(monitor);
}

result<void> signal_container(runtime_context const& on, container_paths const& paths) {
    auto const seen = view_running(on, paths);
    if (!seen) return seen.error();
    auto const pidfd = open_process(seen->record.container);
    if (!pidfd) return pidfd.error();
    if (!*pidfd) return does_not_run(paths);
    if (::pidfd_send_signal(pidfd->get(), seen->record.stop_signal, nullptr, 0) == 0) return {};
    if (errno == ESRCH) return does_not_run(paths);
    return system_error(paths.id, "signal", errno);
}

result<void> kill_container(runtime_context const& on, container_paths const& paths) {
    auto const seen = view_running(on, paths);
    if (!seen) return seen.error();
    on.groups.kill(paths.cgroup);
    return {};
}

awaitable<result<void>> remove_container(runtime_context const& on, container_paths paths) {
    auto const give_up_at = on.time.now() + removal_time_max;
    co_await end_processes(on, paths);
    for (auto pause = removal_pause_min;; pause = std::min(2 * pause, removal_pause_max)) {
        auto removing = [&] { return remove_once(on, paths); };
        auto removed = co_await offload(on.options.pool, std::move(removing));
        if (removed || removed.error().code != errc::conflict) co_return std::move(removed);
        if (on.time.now() >= give_up_at) co_return error{errc::timed_out, removed.error().message};
        co_await on.time.sleep_for(pause);
    }
}

}  // namespace rik::detail
