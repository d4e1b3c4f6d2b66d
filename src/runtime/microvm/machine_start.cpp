#include "machine_start_detail.hpp"

#include "machine_files_detail.hpp"
#include "machine_plan_detail.hpp"

#include "runtime/oci/conmon_detail.hpp"
#include "runtime/oci/container_detail.hpp"
#include "runtime/oci/container_log_detail.hpp"
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/inventory_detail.hpp"
#include "runtime/oci/process_identity_detail.hpp"
#include "runtime/oci/readiness_detail.hpp"
#include "runtime/oci/stray_children_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include <sys/inotify.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t plan_bytes_max = 1u << 20;
constexpr int qemu_end_ms_max = 500;
/// The keeper gives up before: see machine_plan::boot_seconds.
constexpr duration up_time_max = 11min;

enum class found { nothing, half_made, started, not_known };

result<found> look_for(container_paths const& paths) {
    if (::access(paths.state.c_str(), F_OK) != 0 && ::access(paths.bundle.c_str(), F_OK) != 0) return found::nothing;
    auto const record = read_record(paths);
    if (!record && !is_no_record(record.error())) return record.error();
    auto const note = read_note(paths);
    if (!note) return note.error();
    return record && note->was_up ? found::started : found::half_made;
}

struct preparation {
    found before = found::not_known;
    result<conmon_launch> launched = {};  ///< if there was nothing before
};

preparation prepare(runtime_context const& on, machine_parts const& parts, container_request const& request,
                    start_rules const& rules) {
    auto const paths = on.paths.container(request.key);
    auto const before = look_for(paths);
    if (!before) return {.before = found::not_known, .launched = before.error()};
    if (*before != found::nothing)
        return {.before = *before, .launched = error{errc::conflict, fmt::format("machine {}: is there", paths.id)}};
    auto const made = make_machine_files(on, parts, request, rules);
    if (!made) return {.before = found::nothing, .launched = made.error()};
    drop_old_logs(on, request.key);
    return {.before = found::nothing, .launched = launch_conmon(on, paths, request.key.name)};
}

struct launch_outcome {
    found before = found::not_known;
    result<unique_fd> said = {};
};

/// Up to a conmon that stays, whatever happens to who waits for it.
awaitable<launch_outcome> launch(runtime_context const& on, machine_parts const& parts,
                                 container_request const& request, start_rules rules) {
    auto preparing = [&] { return prepare(on, parts, request, rules); };
    auto prepared = co_await offload(on.options.pool, std::move(preparing));
    launch_outcome outcome{.before = prepared.before, .said = {}};
    if (prepared.launched) {
        auto const deadline = on.time.now() + limits::runtime_call_timeout;
        auto const forked = co_await await_forked(on, prepared.launched->parent, deadline);
        outcome.said = forked ? result<unique_fd>(std::move(prepared.launched->said)) : forked.error();
    } else {
        outcome.said = prepared.launched.error();
    }
    co_return std::move(outcome);
}

result<void> write_record(runtime_context const& on, container_paths const& paths, pid_t keeper) {
    auto const record = make_record(on, paths, {keeper, SIGTERM});
    if (!record) return record.error();
    auto const written = replace_file(paths.record(), record_text(*record));
    if (written) keep_log(paths);
    return written;
}

/// Why a machine that has ended never was up.
error why_not_up(machine_note const& note) {
    auto const end = note.end.value_or(machine_end{end_kind::broken, 1, "its keeper has ended"});
    auto code = errc::internal;
    if (end.kind == end_kind::refused || end.kind == end_kind::failed) code = errc::invalid;
    if (end.kind == end_kind::stuck) code = errc::timed_out;
    auto message = describe(end);
    auto const speaks = end.kind != end_kind::refused && !note.console.empty();
    if (speaks) message += fmt::format("; the last that it wrote: {}", note.console);
    return error{code, std::move(message)};
}

/// A file that is written to, as a descriptor that is readable then.
result<unique_fd> watch(std::filesystem::path const& file) {
    unique_fd events(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!events || ::inotify_add_watch(events.get(), file.c_str(), IN_MODIFY) < 0)
        return system_error(file, "inotify", errno);
    return events;
}

/// One look: is it up, has it ended, or what will tell?
struct up_look {
    bool is_up = false;
    unique_fd until_end;
};

result<up_look> look_whether_up(runtime_context const& on, container_paths const& paths) {
    auto seen = view_container(on, paths);
    if (!seen) return seen.error();
    auto const note = read_note(paths);  // behind the look: a note that is written last is whole when all have ended
    if (!note) return note.error();
    if (note->was_up) return up_look{.is_up = true, .until_end = {}};
    if (!seen->is_running()) return why_not_up(*note);
    return up_look{.is_up = false, .until_end = std::move(seen->until_end())};
}

awaitable<result<void>> await_up(runtime_context const& on, container_paths const& paths) {
    auto const noted = watch(note_of(paths));
    if (!noted) co_return noted.error();
    while (true) {
        auto looking = [&] { return look_whether_up(on, paths); };
        auto const look = co_await offload(on.options.pool, std::move(looking));
        if (!look) co_return look.error();
        if (look->is_up) co_return result<void>{};
        readiness changed(on.options.executor);
        for (auto const* each : {&*noted, &look->until_end})
            if (auto const added = changed.add(*each); !added) co_return added;
        co_await changed.wait();
        std::array<char, 4096> events;
        while (::read(noted->get(), events.data(), events.size()) > 0) {
        }
    }
}

awaitable<result<void>> start_made(runtime_context const& on, container_paths const& paths, unique_fd said) {
    auto creating = await_created(on, std::move(said));
    auto const created =
        co_await with_deadline(on.time, on.time.now() + limits::runtime_call_timeout, std::move(creating));
    if (!created) co_return created.error();
    auto recording = [&] {
        auto written = write_record(on, paths, *created);
        if (written) move_conmon(on, paths);
        return written;
    };
    auto const recorded = co_await offload(on.options.cgroup_thread, std::move(recording));
    if (!recorded) co_return recorded.error();
    auto waiting = await_up(on, paths);
    co_return co_await with_deadline(on.time, on.time.now() + up_time_max, std::move(waiting));
}

struct start_outcome {
    found before = found::not_known;
    result<void> done = {};
};

awaitable<start_outcome> make_and_start(runtime_context const& on, machine_parts const& parts,
                                        container_request const& request, start_rules rules) {
    auto launching = launch(on, parts, request, rules);
    auto launched = co_await shield(std::move(launching));
    start_outcome outcome{.before = launched.before, .done = {}};
    if (launched.said) {
        outcome.done = co_await start_made(on, on.paths.container(request.key), std::move(*launched.said));
    } else {
        outcome.done = launched.said.error();
    }
    co_return std::move(outcome);
}

}  // namespace

std::filesystem::path note_of(container_paths const& paths) { return paths.state / "note"; }
std::filesystem::path memory_file_of(container_paths const& paths) { return paths.state / "memory"; }
std::filesystem::path disk_of(container_paths const& paths) { return paths.upper() / "disk.qcow2"; }
std::filesystem::path plan_of(container_paths const& paths) { return paths.bundle / "machine"; }
std::filesystem::path settings_of(container_paths const& paths) { return paths.bundle / "settings"; }

result<machine_note> read_note(container_paths const& paths) {
    auto const text = read_file_if_there(note_of(paths), note_bytes_max);
    if (!text) return text.error();
    return *text ? parse_note(**text) : machine_note{};
}

std::int64_t read_memory(container_paths const& paths) {
    auto const text = try_read_file(memory_file_of(paths)).value_or("");
    std::int64_t bytes = 0;
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    return bytes;
}

namespace {

/// None of one that is half made.
result<std::optional<machine_plan>> read_plan(container_paths const& paths) {
    auto const text = read_file_if_there(plan_of(paths), plan_bytes_max);
    if (!text) return text.error();
    auto plan = *text ? parse_plan(**text) : error{errc::not_found, "it has none"};
    return plan ? std::optional(std::move(*plan)) : std::nullopt;
}

std::int64_t read_count(std::string const& tap, char const* what) {
    auto const text = try_read_file(fmt::format("/sys/class/net/{}/statistics/{}", tap, what)).value_or("");
    std::int64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

}  // namespace

result<rare<machine_boot>> read_boot(container_paths const& paths) {
    auto const note = read_note(paths);
    if (!note) return note.error();
    if (!note->was_up) return rare<machine_boot>();
    auto const plan = read_plan(paths);
    if (!plan) return plan.error();
    auto const how = *plan && !(*plan)->warm_from.empty() ? boot_kind::warm : boot_kind::cold;
    machine_boot found{.acceleration = *plan ? (*plan)->acceleration : std::string(),
                       .steps = steps_of(note->times, how)};
    return rare<machine_boot>(std::move(found));
}

void reap_machines(std::vector<std::uint32_t> const& uids) {
    if (uids.empty()) return;
    for (auto const child : own_children()) {
        unique_fd pidfd(::pidfd_open(child, 0));
        auto const status = try_read_file(fmt::format("/proc/{}/status", child)).value_or("");
        auto const is_of = [&](auto uid) { return status.find(fmt::format("\nUid:\t{}\t", uid)) != status.npos; };
        if (pidfd && std::ranges::any_of(uids, is_of) && has_ended(pidfd, qemu_end_ms_max)) reap(pidfd);
    }
}

result<std::uint32_t> read_uid(container_paths const& paths) {
    auto const plan = read_plan(paths);
    if (!plan) return plan.error();
    return *plan ? (*plan)->uid : 0;
}

void add_network_usage(runtime_context const& on, instance_usage& to) {
    auto const keys = find_containers(on, to.instance);
    if (!keys) return;
    for (auto const& each : *keys) {
        auto const plan = read_plan(on.paths.container(each));
        if (!plan || !*plan || (*plan)->tap.empty()) continue;
        // What the node sends into it the machine receives.
        to.received_bytes = read_count((*plan)->tap, "tx_bytes");
        to.sent_bytes = read_count((*plan)->tap, "rx_bytes");
        return;
    }
}

awaitable<result<void>> start_machine(runtime_context const& on, machine_parts const& parts, container_request request,
                                      start_rules rules) {
    auto const paths = on.paths.container(request.key);
    auto outcome = co_await make_and_start(on, parts, request, rules);
    if (outcome.before == found::half_made) {
        auto const removed = co_await remove_container(on, paths);
        if (!removed) co_return removed.error();
        outcome = co_await make_and_start(on, parts, request, rules);
    }
    if (outcome.before == found::started || outcome.done) co_return result<void>{};
    auto const why = outcome.done.error();
    if (outcome.before != found::nothing) co_return why;  // it is not known whether it runs
    auto const removed = co_await remove_container(on, paths);
    if (!removed) {
        auto const left = to_string(removed.error());
        on.options.log.warning("machine that could not be started is still there",
                               {{"machine", paths.id}, {"why", left}});
    }
    co_return why;
}

}  // namespace rik::detail
