#include "process_identity_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>

#include <charconv>

#include <poll.h>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

std::optional<process_identity> identify(pid_t pid) {
    auto const stat = try_read_file(fmt::format("/proc/{}/stat", pid));
    if (!stat) return std::nullopt;
    // The second field is the program's name in parentheses and may itself contain any of " )(".
    auto at = stat->rfind(')');
    constexpr int fields_between = 20;  // ") " is before field 3; field 22 is wanted
    for (int field = 0; field < fields_between && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
    process_identity found{.pid = pid};
    std::from_chars(stat->data() + at + 1, stat->data() + stat->size(), found.start_ticks);
    return found;
}

unique_fd open_process(process_identity const& process) {
    if (process.pid <= 0) return {};
    unique_fd pidfd(::pidfd_open(process.pid, 0));
    // Looked at after the pidfd was opened: from here on the number cannot come to mean another process unseen.
    if (!pidfd || identify(process.pid) != process) return {};
    return pidfd;
}

bool has_ended(unique_fd const& pidfd) {
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, 0) > 0;
}

}  // namespace rik::detail
