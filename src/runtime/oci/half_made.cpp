#include "half_made_detail.hpp"

#include "files_detail.hpp"
#include "process_identity_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

constexpr int end_wait_ms = 1000;

bool is_program(std::string const& command_line, result<std::filesystem::path> const& program) {
    return program && command_line.starts_with(program->string() + '\0');
}

bool makes(machine const& on, container_paths const& paths, std::string const& process) {
    auto const command_line = try_read_file("/proc/" + process + "/cmdline").value_or("");
    return command_line.find(paths.id + '\0') != std::string::npos &&
           (is_program(command_line, on.monitor_program) || is_program(command_line, on.runtime_program));
}

/// Pidfds of the running makers, each opened before the look, so that it is this process that is killed.
std::vector<unique_fd> makers(machine const& on, container_paths const& paths) {
    std::vector<unique_fd> found;
    std::error_code failure;
    for (std::filesystem::directory_iterator each("/proc", failure), end; !failure && each != end;
         each.increment(failure)) {
        auto const name = each->path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
        unique_fd pidfd(::pidfd_open(pid, 0));
        if (pidfd && makes(on, paths, name)) found.push_back(std::move(pidfd));
    }
    return found;
}

/// The conmon that has ended by itself, if nobody has reaped it: it has no command line any more, but a name.
unique_fd ended_monitor(container_paths const& paths) {
    auto const text = try_read_file(paths.monitor_pid()).value_or("");
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    unique_fd pidfd(pid > 0 ? ::pidfd_open(pid, 0) : -1);
    auto const name = try_read_file(fmt::format("/proc/{}/comm", pid)).value_or("");
    return name == "conmon\n" ? std::move(pidfd) : unique_fd();
}

}  // namespace

void kill_makers(machine const& on, container_paths const& paths) {
    auto inherited = makers(on, paths);  // first those who could make more
    for (auto const& each : inherited) ::pidfd_send_signal(each.get(), SIGKILL, nullptr, 0);
    for (auto const each : on.groups.processes(paths.cgroup)) inherited.emplace_back(::pidfd_open(each, 0));
    on.groups.kill(paths.cgroup);
    inherited.push_back(ended_monitor(paths));
    // All have ended before the first is reaped: a child of conmon is ours when conmon has ended.
    for (auto const& each : inherited) {
        if (each) has_ended(each, end_wait_ms);
    }
    for (auto const& each : inherited) {
        if (each) reap(each);
    }
}

}  // namespace rik::detail
