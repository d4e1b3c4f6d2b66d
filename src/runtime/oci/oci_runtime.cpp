#include <rik/runtime/oci/oci_runtime.hpp>

#include "conmon_detail.hpp"
#include "container_detail.hpp"
#include "container_log_detail.hpp"
#include "context_detail.hpp"
#include "disk_meter_detail.hpp"
#include "exec_detail.hpp"
#include "inventory_detail.hpp"
#include "oci_program_detail.hpp"
#include "overlay_probe_detail.hpp"
#include "readiness_detail.hpp"
#include "resolver_detail.hpp"
#include "sandbox_detail.hpp"
#include "stray_children_detail.hpp"
#include "trash_detail.hpp"
#include "usage_detail.hpp"
#include "written_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/keyed_limiter.hpp>
#include <rik/async/limiter.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/async/unless.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/asio/strand.hpp>

#include <stop_token>
#include <utility>

namespace rik {

using detail::runtime_context;

namespace {

/// A program that is run takes some megabytes for the OCI runtime that waits for it.
constexpr keyed_limiter::bounds execs_max{.per_key_max = 8, .in_all_max = 200};
/// The start of one takes 10 to 20 ms of a processor; what comes then may wait for anything.
constexpr std::size_t exec_starts_max = 4;
constexpr duration exec_start_time = std::chrono::milliseconds(100);

constexpr duration first_measurement_max = std::chrono::milliseconds(500);

awaitable<bool> said(awaitable<> what) {
    co_await std::move(what);
    co_return true;
}

}  // namespace

struct oci_runtime::state {
    explicit state(runtime_context opened)
        : on(std::move(opened)),
          logs(on),
          usage(on),
          looks(asio::make_strand(on.options.pool)),
          disk(on),
          strays(on),
          execs(on.options.executor, execs_max),
          exec_starts(on.options.executor, exec_starts_max),
          discarded(on.options.executor),
          deleted(on.options.executor),
          moves(on.options.executor),
          tasks(on.options.executor) {}

    /// What is not in the request. `warning`: what its containers have to do without. Blocks.
    detail::sandbox_settings settings_of(sandbox_request const& request, std::string& warning) const;
    void warm_up();
    awaitable<> warmed_up();
    awaitable<> moved(detail::container_paths paths);
    void move_monitors(std::vector<found_sandbox> const& of);
    bool add_written(std::vector<detail::instance_reading>& to);
    awaitable<> await_written(std::vector<detail::instance_reading>& to);
    awaitable<result<keyed_limiter::ticket>> acquire_exec(std::string container);
    void note_discarded();
    awaitable<> keep_trash_empty();
    awaitable<result<void>> wait_until_deleted();

    runtime_context on;
    detail::container_log_rotation logs;
    detail::usage_reader usage;  ///< on `looks` only
    asio::any_io_executor looks;
    detail::disk_meter disk;
    detail::stray_children strays;
    keyed_limiter execs;
    limiter exec_starts;
    bool has_listed = false;
    bool is_warming_up = false;
    notifier discarded;
    notifier deleted;
    std::uint64_t discard_count = 1;  ///< one stands for what an earlier runtime has left
    std::uint64_t deleted_count = 0;  ///< of those, what has left the disk as far as it can
    std::stop_source emptying_stops;  // millions of files take minutes, and a stop of rik waits for its tasks
    task_group moves;                 // apart from the others, because it is not cancelled
    task_group tasks;
};

/// Beside whatever is on the way to a start: see cgroups::warm_up.
void oci_runtime::state::warm_up() {
    if (std::exchange(is_warming_up, true)) return;
    tasks.spawn(warmed_up());
}

awaitable<> oci_runtime::state::warmed_up() {
    auto warming = [this] { on.groups.warm_up(); };
    co_await offload(on.options.cgroup_thread, std::move(warming));
    is_warming_up = false;
}

awaitable<> oci_runtime::state::moved(detail::container_paths paths) {
    auto moving = [&] { detail::move_conmon(on, paths); };
    co_await offload(on.options.cgroup_thread, std::move(moving));
}

/// Whoever started these containers may have ended before their conmons were moved. Left in our own cgroup, they would
/// be killed with us, as systemd does.
void oci_runtime::state::move_monitors(std::vector<found_sandbox> const& of) {
    for (auto const& pod : of) {
        for (auto const& each : pod.containers) {
            if (each.running) moves.spawn(moved(on.paths.container(each.key)));
        }
    }
}

void oci_runtime::state::note_discarded() {
    ++discard_count;
    discarded.notify();
}

awaitable<> oci_runtime::state::keep_trash_empty() {
    while (true) {
        auto const up_to = discard_count;
        auto emptying = [this] { detail::empty_trash(on, emptying_stops.get_token()); };
        co_await offload(on.options.trash_thread, std::move(emptying));
        deleted_count = up_to;
        deleted.notify();
        while (discard_count == deleted_count) co_await discarded.wait();
    }
}

awaitable<result<void>> oci_runtime::state::wait_until_deleted() {
    auto const up_to = discard_count;
    while (deleted_count < up_to) co_await deleted.wait();
    co_return result<void>{};
}

oci_runtime::oci_runtime(std::unique_ptr<state> inner) : state_(std::move(inner)) {}
oci_runtime::~oci_runtime() = default;

result<std::unique_ptr<oci_runtime>> oci_runtime::open(oci_options options, clock& time) {
    if (!options.cgroup_thread) options.cgroup_thread = options.pool;
    if (!options.trash_thread) options.trash_thread = options.pool;
    if (auto const usable = check_dns_servers(options.dns_servers); !usable) return usable.error();
    auto opened = detail::open_context(std::move(options), time);
    if (!opened) return opened.error();
    auto inner = std::make_unique<state>(std::move(*opened));
    inner->tasks.spawn(inner->logs.run());
    inner->tasks.spawn(inner->keep_trash_empty());
    inner->tasks.spawn(inner->disk.run());
    inner->tasks.spawn(inner->strays.run());
    return std::unique_ptr<oci_runtime>(new oci_runtime(std::move(inner)));
}

std::optional<error> oci_runtime::find_name_fault() const {
    return detail::find_fault(detail::resolver_of_machine(state_->on.options.dns_servers));
}

result<void> oci_runtime::check_file_system(std::filesystem::path const& state_dir) {
    return detail::check_overlay(state_dir);
}

awaitable<result<std::filesystem::path>> oci_runtime::choose_program(oci_options options, clock& time,
                                                                     std::string wanted) {
    auto const is_open = wanted == "auto";
    auto const out = options.log;
    auto const chosen = detail::find_oci_program(options, is_open ? "crun" : wanted);
    if (!chosen && !is_open) co_return chosen.error();
    if (chosen && chosen->maker == detail::oci_maker::runc) co_return chosen->path;
    result<void> usable = chosen ? result<void>{} : chosen.error();
    if (chosen) {
        auto const on = detail::open_context(std::move(options), time);
        if (!on) co_return on.error();
        auto trying = detail::try_oci_program(*on, *chosen);
        usable = co_await std::move(trying);
    }
    if (usable) co_return chosen->path;
    if (!is_open) co_return usable.error();
    if (find_program("crun")) out.info("crun is not used", {{"why", to_string(usable.error())}});
    co_return find_program("runc");
}

awaitable<> oci_runtime::stop() {
    state_->emptying_stops.request_stop();
    co_await state_->tasks.stop();
    auto moving = state_->moves.join();
    co_await shield(std::move(moving));
}

awaitable<result<void>> oci_runtime::remove_all() { return detail::remove_everything(state_->on); }

detail::sandbox_settings oci_runtime::state::settings_of(sandbox_request const& request, std::string& warning) const {
    auto const& servers = request.dns_servers.empty() ? on.options.dns_servers : request.dns_servers;
    auto const of_machine = request.has_host_network ? detail::pod_resolver{detail::host_resolver(), true, {}}
                                                     : detail::resolver_of_machine(servers);
    auto merged = detail::merge_resolver(of_machine.text, request.dns);
    auto const fault = merged.has_server ? std::nullopt : detail::find_fault(of_machine);
    if (fault) warning = to_string(*fault);
    for (auto const& each : merged.left_out)
        warning += fmt::format("{}{} is left out", warning.empty() ? "" : "; ", each);
    return {.shm_bytes = on.options.shm_bytes,
            .resolver = std::move(merged.text),
            .machine_memory_bytes = on.host.memory_bytes,
            .host_hosts = request.has_host_network ? detail::host_hosts() : std::string()};
}

awaitable<result<sandbox>> oci_runtime::create_sandbox(sandbox_request request) {
    auto const& on = state_->on;
    state_->warm_up();
    auto const paths = on.paths.pod(request.instance);
    std::string warning;
    auto making = [&]() -> result<void> {
        if (request.has_host_network) request.hostname = detail::host_hostname();
        auto const settings = state_->settings_of(request, warning);
        auto const made = detail::make_sandbox(paths, request, settings);
        if (on.runtime && on.runtime->maker == detail::oci_maker::crun) on.groups.make_in_second(paths.cgroup);
        return made ? on.groups.limit_pod(paths.cgroup, request.limits) : made;
    };
    auto const made = co_await offload(on.options.namespace_thread, std::move(making));
    if (!made) co_return made.error();
    sandbox whole{.network_namespace = paths.network_namespace(), .warning = std::move(warning)};
    if (request.has_host_network) whole.network_namespace.clear();
    co_return whole;
}

awaitable<result<container_start>> oci_runtime::start_container(container_request request) {
    state_->warm_up();
    auto key = request.key;
    auto started = co_await detail::start_container(state_->on, std::move(request));
    if (!started) co_return started.error();
    state_->moves.spawn(state_->moved(state_->on.paths.container(key)));
    state_->logs.add(std::move(key));
    co_return container_start();
}

awaitable<result<container_exit>> oci_runtime::wait_container(container_key key) {
    auto const& on = state_->on;
    auto const paths = on.paths.container(key);
    while (true) {
        auto looking = [&] { return detail::view_container(on, paths); };
        auto seen = co_await offload(on.options.pool, std::move(looking));
        if (!seen) co_return seen.error();
        if (!seen->exit) state_->logs.add(key);  // also of one whose start nobody waited for to its end
        if (seen->exit) {
            co_await detail::await_monitor(on, std::move(seen->monitor));
            co_return *seen->exit;
        }
        auto const ended = co_await detail::await_readable(on.options.executor, std::move(seen->until_end()));
        if (!ended) co_return ended.error();
    }
}

awaitable<result<void>> oci_runtime::stop_container(container_key key) {
    auto const paths = state_->on.paths.container(key);
    auto stopping = [&] { return detail::signal_container(state_->on, paths); };
    co_return co_await offload(state_->on.options.pool, std::move(stopping));
}

awaitable<result<void>> oci_runtime::kill_container(container_key key) {
    auto const paths = state_->on.paths.container(key);
    auto killing = [&] { return detail::kill_container(state_->on, paths); };
    co_return co_await offload(state_->on.options.pool, std::move(killing));
}

awaitable<result<keyed_limiter::ticket>> oci_runtime::state::acquire_exec(std::string container) {
    co_return co_await execs.acquire(std::move(container));
}

namespace {

error no_place(container_key const& of) {
    return error{errc::timed_out,
                 fmt::format("container {}: a program could not be run in it in time: too many are run "
                             "in it, or in the containers of this node, at once",
                             of.name)};
}

}  // namespace

awaitable<result<exec_result>> oci_runtime::exec(exec_request what) {
    auto const& on = state_->on;
    auto acquiring = state_->acquire_exec(on.paths.container(what.key).id);
    auto const place = co_await with_deadline(on.time, what.deadline, std::move(acquiring));
    if (!place || on.time.now() >= what.deadline) co_return no_place(what.key);
    auto running = on_strand(on.options.executor, detail::exec(on, state_->strays, std::move(what)));
    co_return co_await state_->exec_starts.run_lent(on.time, exec_start_time, std::move(running));
}

/// False if something has not been measured yet.
bool oci_runtime::state::add_written(std::vector<detail::instance_reading>& to) {
    bool is_complete = true;
    for (auto& each : to) {
        for (auto const& written : each.written) {
            auto const bytes = disk.bytes(written.path);
            is_complete = is_complete && bytes;
            if (written.is_volume) each.usage.volumes[written.volume].bytes = bytes.value_or(0);
            if (!written.is_volume) each.written_bytes[written.container] = bytes.value_or(0);
        }
    }
    return is_complete;
}

/// What is new is waited for, but not for long: it may have millions of files.
awaitable<> oci_runtime::state::await_written(std::vector<detail::instance_reading>& to) {
    auto const give_up_at = on.time.now() + first_measurement_max;
    while (!add_written(to) && on.time.now() < give_up_at) {
        auto const changed = co_await unless(on.time.sleep_until(give_up_at), said(disk.changed()));
        (void)changed;
    }
}

awaitable<result<std::vector<instance_usage>>> oci_runtime::measure_usage(std::vector<instance_id> of) {
    auto reading = [&] { return state_->usage.read(of); };
    auto read = co_await offload(state_->looks, std::move(reading));
    co_await state_->await_written(read);
    co_return detail::usage_of(std::move(read));
}

awaitable<result<std::vector<written_files>>> oci_runtime::measure_written(std::vector<instance_id> of,
                                                                           time_point deadline) {
    auto reading = [&] { return state_->usage.read(of); };
    auto const read = co_await offload(state_->looks, std::move(reading));
    detail::written_meter meter(read);
    for (bool is_done = false; !is_done && state_->on.time.now() < deadline;) {
        auto walking = [&] { return meter.advance(); };
        is_done = co_await offload(state_->on.options.pool, std::move(walking));
    }
    co_return meter.found();
}

awaitable<result<void>> oci_runtime::await_deleted(time_point deadline) {
    auto waiting = state_->wait_until_deleted();
    co_return co_await with_deadline(state_->on.time, deadline, std::move(waiting));
}

awaitable<result<void>> oci_runtime::remove_container(container_key key) {
    auto paths = state_->on.paths.container(key);
    auto removed = co_await detail::remove_container(state_->on, std::move(paths));
    state_->note_discarded();
    co_return std::move(removed);
}

awaitable<result<void>> oci_runtime::vacate_sandbox(instance_id instance) {
    auto released = co_await detail::vacate_sandbox(state_->on, instance);
    state_->note_discarded();
    co_return std::move(released);
}

awaitable<result<void>> oci_runtime::remove_sandbox(instance_id instance) {
    auto removed = co_await detail::remove_sandbox(state_->on, instance);
    state_->note_discarded();
    co_return std::move(removed);
}

awaitable<result<std::vector<found_sandbox>>> oci_runtime::list() {
    auto const is_first = !std::exchange(state_->has_listed, true);
    auto listing = [&] {
        auto found = detail::list_sandboxes(state_->on);
        if (found && is_first) detail::end_orphaned_execs(state_->on, *found);
        return found;
    };
    auto listed = co_await offload(state_->on.options.pool, std::move(listing));
    if (listed) state_->move_monitors(*listed);
    co_return std::move(listed);
}

awaitable<result<std::unique_ptr<container_log_reader>>> oci_runtime::open_container_log(
    container_key key, container_log_options options) {
    auto opening = [&] { return detail::open_log_reader(state_->on, key, options); };
    co_return co_await offload(state_->on.options.pool, std::move(opening));
}

}  // namespace rik
