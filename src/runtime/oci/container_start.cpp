#include "conmon_detail.hpp"
#include "container_detail.hpp"
#include "container_log_detail.hpp"
#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "oci_program_detail.hpp"
#include "rootfs_detail.hpp"
#include "sandbox_detail.hpp"
#include "start_fifo_detail.hpp"
#include "tool_tries_detail.hpp"
#include "volumes_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <charconv>
#include <csignal>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t pid_bytes_max = 64;
constexpr int start_wait_ms = 20;  // in a thread of the pool; it takes 0.5

result<std::vector<mounted_volume>> mounts_of(container_request const& request, pod_paths const& pod,
                                              container_paths const& paths) {
    auto const& wanted = request.definition.mounts;
    std::vector<mounted_volume> found;
    for (std::size_t index = 0; index < wanted.size(); ++index) {
        auto source = source_of(pod, paths, wanted, index);
        if (!source) {
            auto why = source.error();
            why.message = fmt::format("container {}: {}", request.definition.name, why.message);
            return why;
        }
        found.push_back({std::move(*source), wanted[index].path, wanted[index].is_read_only});
    }
    return found;
}

result<std::string> config_text(runtime_context const& on, container_request const& request, pod_paths const& pod,
                                container_paths const& paths) {
    user_wish const wish{request.from->config.user, request.definition.rights, request.groups};
    auto const user = resolve_user_in(request.from->tree, wish);
    if (!user) return user.error();
    auto mounts = mounts_of(request, pod, paths);
    if (!mounts) return mounts.error();
    auto hostname = try_read_file(pod.etc / "hostname").value_or("");
    if (hostname.ends_with('\n')) hostname.pop_back();
    auto const config = container_config({.request = request,
                                          .user = *user,
                                          .pod = pod,
                                          .container = paths,
                                          .mounts = std::move(*mounts),
                                          .host = on.host,
                                          .hostname = std::move(hostname),
                                          .has_host_network = has_host_network(pod),
                                          .processes_max = on.options.processes_max});
    if (!config) return config.error();
    return boost::json::serialize(*config);
}

result<void> make_container_directories(container_paths const& paths) {
    for (auto const& each :
         {paths.state, paths.upper(), paths.work(), paths.exit_dir(), paths.bundle, paths.rootfs()}) {
        if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) return system_error(each, "mkdir", errno);
    }
    return {};
}

/// The root directory of an overlay is its upper one: whatever our umask is, it must look like the image's.
result<void> resemble(std::filesystem::path const& upper, std::filesystem::path const& tree) {
    struct stat about {};
    if (::stat(tree.c_str(), &about) != 0) return system_error(tree, "stat", errno);
    if (::chown(upper.c_str(), about.st_uid, about.st_gid) != 0) return system_error(upper, "chown", errno);
    if (::chmod(upper.c_str(), about.st_mode & 07777) != 0) return system_error(upper, "chmod", errno);
    return {};
}

result<void> make_files(runtime_context const& on, container_request const& request, pod_paths const& pod,
                        container_paths const& paths) {
    auto const config = config_text(on, request, pod, paths);
    if (!config) return config.error();
    if (auto const made = make_container_directories(paths); !made) return made;
    if (auto const pinned = pin_sub_paths(pod, paths, request.definition.mounts); !pinned) return pinned;
    if (auto const alike = resemble(paths.upper(), request.from->tree); !alike) return alike;
    auto const mounted = mount_overlay(request.from->tree, paths.upper(), paths.work(), paths.rootfs());
    if (!mounted) return mounted;
    if (auto const ready = furnish_root(paths.rootfs(), request.from->config.volumes); !ready) return ready;
    drop_old_logs(on, request.key);
    return write_file(paths.bundle / "config.json", *config);
}

result<conmon_launch> make_and_launch(runtime_context const& on, container_request const& request,
                                      container_paths const& paths) {
    auto const pod = on.paths.pod(request.key.instance);
    if (!is_whole(pod)) {
        return error{errc::conflict, fmt::format("instance {}: has no sandbox", request.key.instance.text())};
    }
    if (auto const made = make_files(on, request, pod, paths); !made) return made.error();
    return launch_conmon(on, paths, request.key.name);
}

/// What there was of a container before it was to be started.
enum class found { nothing, half_made, started, not_known };

result<found> look_for(container_paths const& paths) {
    if (::access(paths.state.c_str(), F_OK) != 0 && ::access(paths.bundle.c_str(), F_OK) != 0) return found::nothing;
    auto const started = has_started(paths);
    if (!started) return started.error();
    return *started ? found::started : found::half_made;
}

struct preparation {
    found before = found::not_known;
    result<conmon_launch> launched = {};  ///< if there was nothing before
};

/// All up to conmon in one go: one visit to the pool.
preparation prepare(runtime_context const& on, container_request const& request, container_paths const& paths) {
    auto const before = look_for(paths);
    if (!before) return {.before = found::not_known, .launched = before.error()};
    if (*before != found::nothing) {
        return {.before = *before, .launched = error{errc::conflict, fmt::format("container {}: is there", paths.id)}};
    }
    return {.before = found::nothing, .launched = make_and_launch(on, request, paths)};
}

struct launch_outcome {
    found before = found::not_known;
    result<unique_fd> said = {};  ///< what conmon says, if there was nothing before
};

/// Up to a conmon that stays, whatever happens to who waits for it.
awaitable<launch_outcome> launch(runtime_context const& on, container_request const& request,
                                 container_paths const& paths, time_point deadline) {
    auto preparing = [&] { return prepare(on, request, paths); };
    auto prepared = co_await offload(on.options.pool, std::move(preparing));
    launch_outcome outcome{.before = prepared.before, .said = {}};
    if (prepared.launched) {
        auto const forked = co_await await_forked(on, prepared.launched->parent, deadline);
        outcome.said = forked ? result<unique_fd>(std::move(prepared.launched->said)) : forked.error();
    } else {
        outcome.said = prepared.launched.error();
    }
    co_return std::move(outcome);
}

int stop_signal_of(runtime_context const& on, container_request const& request, container_paths const& paths) {
    auto const& name = request.from->config.stop_signal;
    if (auto const known = parse_signal(name)) return *known;
    on.options.log.warning("image has a stop signal that is not known, TERM is sent instead",
                           {{"container", paths.id}, {"image", request.from->name}, {"signal", name}});
    return SIGTERM;
}

enum class step { done, wait_for_fifo, ask_runtime };

struct start_attempt {
    step next = step::ask_runtime;
    std::optional<start_fifo> fifo;
};

/// All after conmon in one visit to the pool, if the container is quick to be ready.
result<start_attempt> record_and_start(runtime_context const& on, container_request const& request,
                                       container_paths const& paths, pid_t container) {
    auto const record = make_record(on, paths, {container, stop_signal_of(on, request, paths)});
    if (!record) return record.error();
    if (auto const written = replace_file(paths.record(), record_text(*record)); !written) return written.error();
    auto const limited = on.groups.limit_cpu(paths.cgroup, cpu_limits_of(request.definition));
    if (!limited) return limited.error();
    keep_log(paths);
    start_attempt attempt{.next = step::ask_runtime,
                          .fifo = start_fifo::open(paths, record->container, on.runtime->maker)};
    if (!attempt.fifo) return attempt;
    auto const started = attempt.fifo->try_start(start_wait_ms);
    if (!started) return started.error();
    attempt.next = *started ? step::done : step::wait_for_fifo;
    return attempt;
}

awaitable<result<void>> start_by_runtime(runtime_context const& on, std::string id, time_point deadline) {
    auto const words = words_to_create(on.groups, *on.runtime);
    command what{.program = words.front()};
    what.arguments.assign(words.begin() + 1, words.end());
    for (auto const& each : {std::string("--root"), on.paths.runtime_root().string(), std::string("start"), id})
        what.arguments.push_back(each);
    auto const done = co_await run_process_ok(std::move(what), deadline);
    if (!done) co_return done.error();
    co_return result<void>{};
}

awaitable<result<void>> start_made(runtime_context const& on, container_request const& request,
                                   container_paths const& paths, unique_fd said, time_point deadline) {
    auto creating = await_created(on, std::move(said));
    auto const created = co_await with_deadline(on.time, deadline, std::move(creating));
    if (!created) co_return created.error();
    auto starting = [&] { return record_and_start(on, request, paths, *created); };
    auto attempt = co_await offload(on.options.pool, std::move(starting));
    if (!attempt) co_return attempt.error();
    if (attempt->next == step::done) co_return result<void>{};
    if (attempt->next == step::ask_runtime) co_return co_await start_by_runtime(on, paths.id, deadline);
    auto waiting = attempt->fifo->start(on.options.executor);
    co_return co_await with_deadline(on.time, deadline, std::move(waiting));
}

struct start_outcome {
    found before = found::not_known;
    result<void> done = {};  ///< unless something was there before
};

/// Does nothing if there is something of the container.
awaitable<start_outcome> make_and_start(runtime_context const& on, container_request const& request,
                                        container_paths const& paths) {
    auto const deadline = on.time.now() + limits::runtime_call_timeout;
    auto launching = launch(on, request, paths, deadline);
    auto launched = co_await shield(std::move(launching));
    start_outcome outcome{.before = launched.before, .done = {}};
    if (launched.said) {
        outcome.done = co_await start_made(on, request, paths, std::move(*launched.said), deadline);
    } else {
        outcome.done = launched.said.error();
    }
    co_return std::move(outcome);
}

}  // namespace

result<container_record> make_record(runtime_context const& on, container_paths const& paths, started_process what) {
    auto const text = read_file(paths.monitor_pid(), pid_bytes_max);
    if (!text) return text.error();
    pid_t monitor = -1;
    std::from_chars(text->data(), text->data() + text->size(), monitor);
    auto const monitor_now = identify(monitor);
    if (!monitor_now) return monitor_now.error();
    auto const first_now = identify(what.id);
    if (!first_now) return first_now.error();
    if (!*monitor_now || !*first_now)
        return error{errc::unavailable,
                     fmt::format("container {}: it, or its conmon, was ended before it was started", paths.id)};
    return container_record{.boot_id = on.boot_id,
                            .container = **first_now,
                            .monitor = **monitor_now,
                            .started_at = on.time.wall(),
                            .stop_signal = what.stop_signal};
}

namespace {

/// Errors: unavailable, something was ended that makes the container, which has not run: see tool_tries_detail.hpp.
awaitable<result<void>> start_container_once(runtime_context const& on, container_request request) {
    auto const paths = on.paths.container(request.key);
    auto outcome = co_await make_and_start(on, request, paths);
    if (outcome.before == found::half_made) {
        auto const removed = co_await remove_container(on, paths);
        if (!removed) co_return removed.error();
        outcome = co_await make_and_start(on, request, paths);
    }
    if (outcome.before == found::started || outcome.done) co_return result<void>{};
    auto const& why = outcome.done.error();
    if (outcome.before != found::nothing) co_return error{why};  // it is not known whether it runs
    // After an error nothing of it runs. The first error is the one that says why.
    auto const removed = co_await remove_container(on, paths);
    if (!removed) {
        auto const left = to_string(removed.error());
        on.options.log.warning("container that could not be started is still there",
                               {{"container", paths.id}, {"why", left}});
    }
    if (!removed && why.code == errc::unavailable) co_return error{errc::internal, why.message};
    co_return error{why};
}

}  // namespace

awaitable<result<void>> start_container(runtime_context const& on, container_request request) {
    for (unsigned tries = 1;; ++tries) {
        auto done = co_await start_container_once(on, request);
        if (done || done.error().code != errc::unavailable) co_return done;
        if (tries == tool_tries_max) {
            auto const times = fmt::format("{}; that was try {} of {}", done.error().message, tries, tool_tries_max);
            co_return error{errc::unavailable, times};
        }
        on.options.log.warning("what makes a container was ended; it is made again",
                               {{"container", on.paths.container(request.key).id}, {"why", done.error().message}});
        co_await on.time.sleep_for(tool_pause);
    }
}

}  // namespace rik::detail
