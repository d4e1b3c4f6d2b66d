#include "conmon_detail.hpp"

#include "files_detail.hpp"
#include "oci_program_detail.hpp"
#include "record_detail.hpp"
#include "runtime/clean_text_detail.hpp"
#include "tool_tries_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace json = boost::json;

constexpr int sync_descriptor = 3;
constexpr int start_descriptor = 4;
constexpr std::size_t said_bytes_max = 64u << 10;
constexpr std::size_t message_bytes_max = 1000;
/// Of the size at which a log is rotated: after so much conmon begins a new one by itself, which bounds a log while
/// nobody rotates it. See container_log_detail.hpp.
constexpr std::size_t log_overshoot = 25;

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

result<pipe_ends> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", "pipe2", errno);
    return pipe_ends{unique_fd(ends[0]), unique_fd(ends[1])};
}

command conmon_command(runtime_context const& on, container_paths const& paths, std::string const& name) {
    command made{.program = *on.monitor_program};
    made.arguments = {"--api-version",
                      "1",
                      "--cid",
                      paths.id,
                      "--cuuid",
                      paths.id,
                      "--name",
                      name,
                      "--bundle",
                      paths.bundle.string(),
                      "--container-pidfile",
                      paths.container_pid().string(),
                      "--conmon-pidfile",
                      paths.monitor_pid().string(),
                      "--log-path",
                      "k8s-file:" + paths.log.string(),
                      "--log-size-max",
                      std::to_string(log_overshoot * on.options.container_log_file_bytes_max),
                      "--exit-dir",
                      paths.exit_dir().string(),
                      "--full-attach",
                      "--no-sync-log",  // else the end of a container waits for the disk
                      "--log-level",
                      "error"};
    auto words = words_to_create(on.groups, *on.runtime);
    words.insert(words.end(), {"--root", on.paths.runtime_root().string()});
    for (std::size_t i = 0; i < words.size(); ++i)
        made.arguments.insert(made.arguments.end(), {i == 0 ? "--runtime" : "--runtime-arg", words[i]});
    made.working_dir = paths.bundle;  // it makes a file "oom" there when the container runs out of memory
    made.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        fmt::format("_OCI_SYNCPIPE={}", sync_descriptor),
                        fmt::format("_OCI_STARTPIPE={}", start_descriptor)};
    return made;
}

awaitable<result<std::string>> read_line(asio::any_io_executor executor, unique_fd from) {
    asio::posix::stream_descriptor stream(executor);
    boost::system::error_code refused;
    stream.assign(from.get(), refused);
    if (refused) co_return system_error("conmon", "sync pipe", refused.value());
    from.release();
    std::string line;
    while (line.size() < said_bytes_max && line.find('\n') == std::string::npos) {
        std::array<char, 4096> buffer;
        auto const room = asio::buffer(buffer);
        auto const [failure, size] = co_await stream.async_read_some(room, asio::as_tuple(asio::use_awaitable));
        if (failure == asio::error::operation_aborted) throw cancelled{};
        if (failure) break;  // the end: all who could write are gone
        line.append(buffer.data(), size);
    }
    co_return std::move(line);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// What crun and runc say when one of their own processes has ended in the middle of it: its end of a pipe is closed.
bool tells_of_killed_process(std::string_view message) {
    for (auto const* const each : {"sync socket", "sync pipe", "init-p", "exec fifo", "preliminary setup", "from pipe"})
        if (contains(message, each)) return true;
    return false;
}

/// What runc 1.1 and crun 1.8 say when the fault is the definition's or the image's.
errc kind_of(std::string_view message) {
    if (says_shortage(message)) return errc::exhausted;
    if (tells_of_killed_process(message)) return errc::unavailable;
    for (auto const* const each : {"exec: ", "exec format error", "executable file", "open executable", "chdir to cwd",
                                   "mkdir /", "error mounting", "chdir `", "mkdir `", "mount `"}) {
        if (contains(message, each)) return errc::invalid;
    }
    return errc::internal;
}

/// What runc was doing says nothing that its user does not know.
std::string_view without_frame(std::string_view message) {
    constexpr std::array frames{
        "runc create failed: ", "unable to start container process: ", "error during container init: "};
    for (std::string_view const frame : frames)
        if (message.starts_with(frame)) message.remove_prefix(frame.size());
    return message;
}

/// crun names a place in a container without its first slash: "mount `/a` to `etc/b`: Not a directory".
std::string with_slash(std::string text) {
    constexpr std::string_view before = "` to `";
    auto const at = text.find(before);
    auto const place = at + before.size();
    if (text.starts_with("mount `") && at != std::string::npos && place < text.size() && text[place] != '/')
        text.insert(place, "/");
    return text;
}

/// runc's "time=... level=error msg=..." without the frame, and not too long.
std::string plain(std::string message) {
    if (auto const at = message.find("msg=\""); at != std::string::npos) message.erase(0, at + 5);
    while (!message.empty() && (message.back() == '\n' || message.back() == '"')) message.pop_back();
    std::string text;
    for (std::size_t at = 0; at < message.size(); ++at) {
        if (message[at] == '\\' && at + 1 < message.size()) ++at;
        text += message[at];
    }
    return clean_text(without_frame(with_slash(std::move(text))), message_bytes_max);
}

}  // namespace

result<conmon_launch> launch_conmon(runtime_context const& on, container_paths const& paths, std::string const& name) {
    if (!on.monitor_program) return on.monitor_program.error();
    if (!on.runtime) return on.runtime.error();
    auto said = make_pipe();
    auto start = make_pipe();
    if (!said) return said.error();
    if (!start) return start.error();
    auto what = conmon_command(on, paths, name);
    what.descriptors = {{said->write.get(), sync_descriptor}, {start->read.get(), start_descriptor}};
    auto parent = child_process::start(on.options.executor, what);
    if (!parent) return parent.error();
    // It waits for this byte, so that it could be moved to a cgroup before it has children. That may cost 8 ms (see
    // cgroups::warm_up), so it is moved later: see move_conmon.
    if (::write(start->write.get(), "s", 1) != 1) return system_error("conmon", "start pipe", errno);
    return conmon_launch{std::move(*parent), std::move(said->read)};
}

awaitable<result<void>> await_forked(runtime_context const& on, child_process& parent, time_point deadline) {
    auto ending = parent.wait();
    auto ended = co_await with_deadline(on.time, deadline, std::move(ending));
    if (!ended && ended.error().code == errc::timed_out) {
        [[maybe_unused]] auto const killed = parent.signal(SIGKILL);
        [[maybe_unused]] auto const reaped = co_await parent.wait();
        co_return error{errc::timed_out, "conmon: does not fork"};
    }
    if (!ended) co_return ended.error();
    if (auto const signal = signal_of(*ended))
        co_return error{errc::unavailable, fmt::format("conmon: was ended by signal {}", *signal)};
    if (ended->known && ended->code != 0) {
        co_return error{errc::internal, fmt::format("conmon: ended with code {}", ended->code)};
    }
    co_return result<void>{};
}

awaitable<result<pid_t>> await_created(runtime_context const& on, unique_fd said) {
    auto const line = co_await read_line(on.options.executor, std::move(said));
    if (!line) co_return line.error();
    co_return parse_created(*line);
}

result<pid_t> parse_created(std::string_view line) {
    boost::system::error_code failure;
    auto const end = std::min(line.find('\n'), line.size());
    auto const said = json::parse({line.data(), end}, failure);
    auto const* const document = said.if_object();
    if (failure || document == nullptr)
        return error{errc::unavailable,
                     "conmon: it, or the OCI runtime that it calls, was ended before the container was made"};
    auto const* const data = document->if_contains("data");
    auto const* const number = data != nullptr ? data->if_int64() : nullptr;
    if (number != nullptr && *number > 0) return static_cast<pid_t>(*number);
    auto const* const message = document->if_contains("message");
    if (message == nullptr || !message->is_string()) return error{errc::internal, "runc: failed without a message"};
    auto text = plain(std::string(message->get_string()));
    auto const kind = kind_of(text);
    return error{kind, std::move(text)};
}

void move_conmon(runtime_context const& on, container_paths const& paths) {
    auto const record = read_record(paths);
    if (!record) return;
    auto const monitor = open_process(record->monitor);
    if (!monitor || !*monitor) return;
    auto const moved = on.groups.add_monitor(paths.monitor_cgroup, on.paths.monitors_cgroup(), record->monitor.pid);
    if (moved || moved.error().code == errc::not_found) return;  // it, or its Pod, is gone
    on.options.log.warning("conmon stays in the agent's cgroup",
                           {{"container", paths.id}, {"why", to_string(moved.error())}});
}

bool reopen_log(container_paths const& paths) {
    // For reading, too: then no SIGPIPE can come, and no reader is needed to open it.
    unique_fd const control(::open(paths.control_fifo().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    constexpr std::string_view reopen = "2 0 0\n";
    int unread = 0;
    if (control && ::ioctl(control.get(), FIONREAD, &unread) == 0 && unread > 0) return true;
    return control && ::write(control.get(), reopen.data(), reopen.size()) == static_cast<ssize_t>(reopen.size());
}

}  // namespace rik::detail
