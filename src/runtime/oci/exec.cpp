#include "exec_detail.hpp"

#include "container_detail.hpp"
#include "cpu_throttle_detail.hpp"
#include "files_detail.hpp"
#include "oci_program_detail.hpp"
#include "runtime/clean_text_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/asio/cancellation_state.hpp>
#include <boost/json.hpp>

#include <atomic>
#include <cerrno>
#include <exception>

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace json = boost::json;

constexpr std::size_t config_bytes_max = 16u << 20;  // arguments and variables have 6 MiB at most
constexpr std::size_t exec_message_bytes_max = 1000;
constexpr std::size_t log_bytes_max = 64u << 10;
constexpr int process_descriptor = 3;
constexpr int log_descriptor = 4;
constexpr duration end_time_max = std::chrono::seconds(1);
constexpr duration orphan_end_time_max = std::chrono::milliseconds(200);  // of all together: the start waits

/// Of this process: several runtimes may share a machine, and names only have to differ within a container.
std::string next_group_name() {
    static std::atomic<std::uint64_t> count{0};
    return fmt::format("exec-{}-{}", ::getpid(), ++count);
}

result<unique_fd> make_memory_file(char const* name, std::string_view text) {
    unique_fd made(::memfd_create(name, MFD_CLOEXEC));
    if (!made) return system_error(name, "memfd_create", errno);
    while (!text.empty()) {
        auto const written = ::write(made.get(), text.data(), text.size());
        if (written < 0) return system_error(name, "write", errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return made;
}

std::string text_of(unique_fd const& file) {
    std::string text(log_bytes_max, '\0');
    auto const got = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

/// A program about to be run.
struct prepared_exec {
    unique_fd process;  ///< its process, as JSON
    unique_fd log;      ///< of the OCI runtime
    std::string group_name;
    std::string group;
    std::filesystem::path cpu_group;  ///< the container's
    oci_program with;
    std::optional<int> oom_score_adj;
};

/// Errors: not_found, the container does not run.
result<void> check_runs(runtime_context const& on, container_paths const& paths) {
    auto const seen = view_container(on, paths);
    if (!seen && !is_no_record(seen.error())) return seen.error();
    if (seen && seen->is_running()) return {};
    return error{errc::not_found, fmt::format("container {}: does not run", paths.id)};
}

result<prepared_exec> prepare(runtime_context const& on, container_paths const& paths, exec_request const& what) {
    auto with = find_maker_of(on, paths);
    if (!with) return with.error();
    if (auto const runs = check_runs(on, paths); !runs) return runs.error();
    auto const config = read_file(paths.bundle / "config.json", config_bytes_max);
    if (!config) return config.error();
    auto const process = find_exec_process(*config, what.command);
    if (!process) return process.error();
    auto file = make_memory_file("process", process->text);
    if (!file) return file.error();
    auto log = make_memory_file("log", "");
    if (!log) return log.error();
    auto name = next_group_name();
    auto group = paths.cgroup + '/' + name;
    if (auto const made = on.groups.make_exec(group); !made) return made.error();
    return prepared_exec{std::move(*file),
                         std::move(*log),
                         std::move(name),
                         std::move(group),
                         on.groups.cpu_directory(paths.cgroup),
                         std::move(*with),
                         process->oom_score_adj};
}

command exec_command(runtime_context const& on, container_paths const& paths, prepared_exec const& from) {
    auto const words = words_to_exec(on.groups, from.with, paths.cgroup, from.group_name, from.oom_score_adj);
    command made{.program = words.front()};
    made.arguments.assign(words.begin() + 1, words.end());
    made.arguments.insert(made.arguments.end(),
                          {"--root", on.paths.runtime_root().string(), "--log",
                           fmt::format("/dev/fd/{}", log_descriptor), "--log-format", "json", "exec"});
    if (auto const& where = on.groups.for_exec()) {
        auto const has_prefix = from.with.maker == oci_maker::runc && !where->controller.empty();
        auto const prefix = has_prefix ? where->controller + ':' : std::string();
        made.arguments.insert(made.arguments.end(), {"--cgroup", prefix + from.group_name});
    }
    auto const process = fmt::format("/dev/fd/{}", process_descriptor);
    made.arguments.insert(made.arguments.end(), {"--process", process, paths.id});
    made.descriptors = {{from.process.get(), process_descriptor}, {from.log.get(), log_descriptor}};
    made.has_one_output = true;
    made.when_killed = [where = from.cpu_group] { lift_cpu_limit(where); };  // the OCI runtime is in the container
    return made;
}

/// Kills until nothing is left. Blocks, not long beyond `deadline`.
result<void> kill_group(runtime_context const& on, std::string const& group, time_point deadline) {
    for (;;) {
        on.groups.kill_exec(group);
        auto removed = on.groups.remove_empty_exec(group);
        if (removed || on.time.now() >= deadline) return removed;
        ::poll(nullptr, 0, 1);
    }
}

/// The OCI runtime has ended. Blocks.
void finish(runtime_context const& on, prepared_exec const& what, bool is_killed) {
    auto const deadline = on.time.now() + end_time_max;
    auto const removed = is_killed ? kill_group(on, what.group, deadline) : on.groups.remove_exec(what.group);
    if (is_killed) {
        end_stray_children();
        restore_cpu_limit(what.cpu_group);
    }
    if (removed) return;
    on.options.log.warning("the group of a program in a container stays until that is removed",
                           {{"group", what.group}, {"why", to_string(removed.error())}});
}

error too_late(exec_request const& what, std::string_view output) {
    auto const written = clean_text(output, exec_message_bytes_max);
    auto const program = what.command.front();
    auto const said = written.empty() ? std::string("it had written nothing") : "it had written: " + written;
    return error{errc::timed_out, fmt::format("program {}: did not end in time and was killed; {}", program, said)};
}

/// crun does not always name it.
error about_program(std::string const& program, error why) {
    if (why.code == errc::invalid && why.message.find(program) == std::string::npos)
        why.message.insert(0, fmt::format("program {}: ", program));
    return why;
}

result<exec_result> outcome_of(exec_request const& what, prepared_exec const& from, process_output ran) {
    if (ran.is_late) return too_late(what, ran.out);
    if (!ran.exit.known) return error{errc::internal, "exec: somebody else took its exit code"};
    auto why = ran.exit.code != 0 ? find_exec_error(text_of(from.log)) : std::nullopt;
    if (why) return about_program(what.command.front(), std::move(*why));
    return exec_result{.exit_code = ran.exit.code, .output = std::move(ran.out), .is_output_cut = ran.is_cut};
}

/// The OCI runtime's end, or the code of a program that a signal has ended: they look alike.
bool may_be_by_signal(process_exit const& how) { return !how.known || how.code > 128; }

/// nullopt: it was cancelled.
awaitable<std::optional<result<process_output>>> run_or_stop(command what, time_point deadline) {
    try {
        co_return co_await run_process_until(std::move(what), deadline);
    } catch (...) {
        if (!is_cancellation(std::current_exception())) throw;
    }
    co_return std::nullopt;
}

bool says(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// runc 1.1 and crun 1.8.
errc exec_error_kind(std::string_view message) {
    if (says_shortage(message)) return errc::exhausted;
    for (std::string_view const each :
         {"container does not exist", "does not exist", "stopped container", "container not running", "is not running"})
        if (says(message, each)) return errc::not_found;
    for (std::string_view const each : {"exec: ", "exec format error", "executable file", "open executable"})
        if (says(message, each)) return errc::invalid;
    return errc::internal;
}

/// What runc was doing says nothing that its user does not know.
std::string without_frames(std::string message) {
    for (std::string_view const frame : {"exec failed: ", "unable to start container process: "})
        if (message.starts_with(frame)) message.erase(0, frame.size());
    return clean_text(message, exec_message_bytes_max);
}

/// "error" and "fatal" lines only.
std::optional<std::string> error_message(std::string_view line) {
    boost::system::error_code failure;
    auto const parsed = json::parse({line.data(), line.size()}, failure);
    auto const* const document = failure ? nullptr : parsed.if_object();
    if (document == nullptr) return std::nullopt;
    auto const* const level = document->if_contains("level");
    auto const* const message = document->if_contains("msg");
    if (message == nullptr || !message->is_string()) return std::nullopt;
    if (level != nullptr && level->is_string() && level->get_string() != "error" && level->get_string() != "fatal")
        return std::nullopt;
    return std::string(message->get_string());
}

}  // namespace

result<exec_process> find_exec_process(std::string_view config, std::vector<std::string> const& command) {
    if (command.empty() || command.front().empty()) return error{errc::invalid, "exec: no program is named"};
    boost::system::error_code failure;
    auto parsed = json::parse({config.data(), config.size()}, failure);
    auto* const document = failure ? nullptr : parsed.if_object();
    auto* const found = document != nullptr ? document->if_contains("process") : nullptr;
    auto* const process = found != nullptr ? found->if_object() : nullptr;
    if (process == nullptr) return error{errc::corrupt, "config.json: has no process"};
    (*process)["args"] = json::array(command.begin(), command.end());
    exec_process made{.text = json::serialize(*process)};
    auto const* const score = process->if_contains("oomScoreAdj");
    if (score != nullptr && score->is_int64()) made.oom_score_adj = static_cast<int>(score->get_int64());
    return made;
}

std::optional<error> find_exec_error(std::string_view log) {
    std::optional<std::string> last;
    while (!log.empty()) {
        auto const end = std::min(log.find('\n'), log.size());
        if (auto message = error_message(log.substr(0, end))) last = std::move(message);
        log.remove_prefix(std::min(end + 1, log.size()));
    }
    if (!last) return std::nullopt;
    auto const kind = exec_error_kind(*last);
    return error{kind, without_frames(std::move(*last))};
}

awaitable<result<exec_result>> exec(runtime_context const& on, stray_children& strays, exec_request what) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto const paths = on.paths.container(what.key);
    auto preparing = [&] { return prepare(on, paths, what); };
    auto prepared = co_await offload(on.options.pool, std::move(preparing));
    if (!prepared) co_return prepared.error();
    auto running = exec_command(on, paths, *prepared);
    running.output_bytes_max = what.output_bytes_max;
    std::optional<result<process_output>> ran;
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) {
        ran = co_await run_or_stop(std::move(running), what.deadline);
    }
    auto const is_killed = !ran || !*ran || (*ran)->is_late;
    if (is_killed || may_be_by_signal((*ran)->exit)) strays.look();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto finishing = [&] { finish(on, *prepared, is_killed); };
    co_await offload(on.options.pool, std::move(finishing));
    if (!ran) throw cancelled{};
    if (!*ran) co_return ran->error();
    co_return outcome_of(what, *prepared, std::move(**ran));
}

void end_orphaned_execs(runtime_context const& on, std::vector<found_sandbox> const& among) {
    std::vector<std::string> groups;
    for (auto const& pod : among) {
        for (auto const& container : pod.containers) {
            auto const group = on.paths.container(container.key).cgroup;
            auto const names = on.groups.list_execs(group);
            if (!names.empty()) lift_cpu_limit(on.groups.cpu_directory(group));
            for (auto const& name : names) {
                groups.push_back(group + '/' + name);
                on.groups.kill_exec(groups.back());
            }
        }
    }
    auto const deadline = on.time.now() + orphan_end_time_max;
    for (auto const& each : groups) {
        [[maybe_unused]] auto const removed = kill_group(on, each, deadline);
    }
    for (auto const& pod : among) {
        for (auto const& container : pod.containers)
            restore_cpu_limit(on.groups.cpu_directory(on.paths.container(container.key).cgroup));
    }
}

}  // namespace rik::detail
