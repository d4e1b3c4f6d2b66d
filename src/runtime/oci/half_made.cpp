#include "half_made_detail.hpp"

#include "files_detail.hpp"
#include "unique_fd_detail.hpp"

#include <charconv>
#include <csignal>
#include <string>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

bool is_program(std::string const& command_line, result<std::filesystem::path> const& program) {
    return program && command_line.starts_with(program->string() + '\0');
}

bool makes(machine const& on, container_paths const& paths, std::string const& process) {
    auto const command_line = try_read_file("/proc/" + process + "/cmdline").value_or("");
    return command_line.find(paths.id + '\0') != std::string::npos &&
           (is_program(command_line, on.monitor_program) || is_program(command_line, on.runtime_program));
}

}  // namespace

void kill_makers(machine const& on, container_paths const& paths) {
    std::error_code failure;
    for (std::filesystem::directory_iterator each("/proc", failure), end; !failure && each != end;
         each.increment(failure)) {
        auto const name = each->path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
        unique_fd const pidfd(::pidfd_open(pid, 0));  // before the look, so that it is this process that is killed
        if (pidfd && makes(on, paths, name)) ::pidfd_send_signal(pidfd.get(), SIGKILL, nullptr, 0);
    }
}

}  // namespace rik::detail
