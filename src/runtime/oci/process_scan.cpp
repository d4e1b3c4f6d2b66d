#include "process_scan_detail.hpp"

#include "files_detail.hpp"
#include "process_identity_detail.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>

extern "C" {
#include <sys/pidfd.h>  // of glibc 2.36: has no linkage for C++
}

namespace rik::detail {

namespace {

constexpr int end_wait_ms = 1000;
constexpr std::size_t command_name_bytes_max = 15;  // man proc_pid_comm

process_texts texts_of(std::filesystem::path const& process) {
    return {try_read_file(process / "cmdline").value_or(""), try_read_file(process / "environ").value_or("")};
}

std::string name_of(std::filesystem::path const& process) {
    auto text = try_read_file(process / "comm").value_or("");
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace

std::string_view process_texts::program() const {
    auto const path = std::string_view(command_line).substr(0, command_line.find('\0'));
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::vector<unique_fd> find_processes(std::vector<std::string> names,
                                      std::function<bool(process_texts const&)> const& is_wanted) {
    for (auto& each : names) each.resize(std::min(each.size(), command_name_bytes_max));
    std::vector<unique_fd> found;
    std::error_code failure;
    for (std::filesystem::directory_iterator each("/proc", failure), end; !failure && each != end;
         each.increment(failure)) {
        auto const name = each->path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
        unique_fd pidfd(::pidfd_open(pid, 0));
        if (!pidfd || std::ranges::find(names, name_of(each->path())) == names.end()) continue;
        if (is_wanted(texts_of(each->path()))) found.push_back(std::move(pidfd));
    }
    return found;
}

void kill_image_tools(std::filesystem::path const& directory) {
    // Their scratch directory is there, and what they read or write.
    auto const below = directory.native() + '/';
    auto const is_ours = [&](process_texts const& of) {
        if (of.program() != "skopeo" && of.program() != "umoci") return false;
        return of.command_line.find(below) != std::string::npos || of.environment.find(below) != std::string::npos;
    };
    auto const tools = find_processes({"skopeo", "umoci"}, is_ours);
    for (auto const& each : tools) ::pidfd_send_signal(each.get(), SIGKILL, nullptr, 0);
    for (auto const& each : tools) {
        if (has_ended(each, end_wait_ms)) reap(each);
    }
}

}  // namespace rik::detail
