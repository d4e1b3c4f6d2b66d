#include "half_made_detail.hpp"

#include "files_detail.hpp"
#include "process_scan_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

/// Names of programs, whatever the earlier agent used.
std::vector<std::string> maker_names(runtime_context const& on) {
    std::vector<std::string> names;
    for (auto const* each : {"conmon", "runc", "crun", "rik-launch"}) names.emplace_back(each);
    if (on.monitor_program) names.push_back(on.monitor_program->filename().string());
    if (on.runtime) names.push_back(on.runtime->path.filename().string());
    return names;
}

/// Known by the bundle, which every one of them is told: another agent on this machine may have the same ids, from a
/// copy of our state.
std::vector<unique_fd> makers(runtime_context const& on, container_paths const& paths) {
    auto const bundle = '\0' + paths.bundle.native() + '\0';
    auto const names = maker_names(on);
    auto const makes = [&](process_texts const& of) {
        return of.command_line.find(bundle) != std::string::npos &&
               std::ranges::find(names, of.program()) != names.end();
    };
    return find_processes(names, makes);
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

std::vector<unique_fd> kill_makers(runtime_context const& on, container_paths const& paths) {
    auto inherited = makers(on, paths);  // first those who could make more
    for (auto const& each : inherited) ::pidfd_send_signal(each.get(), SIGKILL, nullptr, 0);
    for (auto const each : on.groups.processes(paths.cgroup)) inherited.emplace_back(::pidfd_open(each, 0));
    on.groups.kill(paths.cgroup);
    inherited.push_back(ended_monitor(paths));
    std::erase_if(inherited, [](unique_fd const& each) { return !each; });
    return inherited;
}

}  // namespace rik::detail
