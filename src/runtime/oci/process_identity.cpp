#include "process_identity_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

#include <poll.h>
#include <sys/wait.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

constexpr std::size_t stat_bytes_max = 4096;  // 52 numbers and a name of 16 bytes

std::optional<int> wait_for(unique_fd const& pidfd, int option) {
    siginfo_t info{};
    auto const failed = ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG | option);
    if (failed != 0 || info.si_pid == 0) return std::nullopt;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

result<std::optional<process_identity>> identify(pid_t pid) {
    auto const file = fmt::format("/proc/{}/stat", pid);
    auto const read = read_file_if_there(file, stat_bytes_max);
    if (!read) return read.error();
    if (!*read) return std::optional<process_identity>();
    auto const& stat = **read;
    // The second field is the program's name in parentheses and may itself contain any of " )(".
    auto at = stat.rfind(')');
    constexpr int fields_between = 20;  // ") " is before field 3; field 22 is wanted
    for (int field = 0; field < fields_between && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
    if (at == std::string::npos) return error{errc::internal, fmt::format("{}: is of another form", file)};
    process_identity found{.pid = pid};
    std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), found.start_ticks);
    return std::optional(found);
}

result<unique_fd> open_process(process_identity const& process) {
    if (process.pid <= 0) return unique_fd();
    unique_fd pidfd(::pidfd_open(process.pid, 0));
    if (!pidfd && errno == ESRCH) return unique_fd();
    if (!pidfd) return system_error(fmt::format("process {}", process.pid), "pidfd_open", errno);
    // Looked at after the pidfd was opened: from here on the number cannot come to mean another process unseen.
    auto const seen = identify(process.pid);
    if (!seen) return seen.error();
    if (*seen != process) return unique_fd();
    return pidfd;
}

bool has_ended(unique_fd const& pidfd, int wait_ms) {
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, wait_ms) > 0;
}

std::optional<int> inherited_exit(unique_fd const& pidfd) { return wait_for(pidfd, WNOWAIT); }

void reap(unique_fd const& pidfd) { wait_for(pidfd, 0); }

}  // namespace rik::detail
