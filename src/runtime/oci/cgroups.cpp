#include "cgroups_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

/// `directory` and all below it, deepest first.
void collect(fs::path const& directory, std::vector<fs::path>& found) {
    std::error_code failure;
    for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure)) {
        std::error_code unknown;
        if (each->is_directory(unknown)) collect(each->path(), found);
    }
    found.push_back(directory);
}

std::vector<pid_t> processes(fs::path const& directory) {
    auto const text = try_read_file(directory / "cgroup.procs").value_or("");
    std::vector<pid_t> found;
    for (char const *at = text.data(), *end = at + text.size(); at < end; ++at) {
        pid_t process = 0;
        at = std::from_chars(at, end, process).ptr;
        if (process > 0) found.push_back(process);
    }
    return found;
}

/// Signals every process in and below `roots`; false if there is none.
bool kill_each(std::vector<fs::path> const& roots) {
    bool found = false;
    for (auto const& root : roots) {
        std::vector<fs::path> groups;
        collect(root, groups);
        for (auto const& group : groups) {
            for (auto const process : processes(group)) found = ::kill(process, SIGKILL) == 0 || found;
        }
    }
    return found;
}

}  // namespace

std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        auto const line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
        std::uint64_t number = 0;
        auto const digits = line.substr(key.size() + 1);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{}) return number;
    }
    return std::nullopt;
}

result<cgroups> cgroups::find(std::string_view mountinfo) {
    cgroups found;
    for (auto const& each : parse_mounts(mountinfo)) {
        if (each.type == "cgroup2" && !found.unified_) {
            found.unified_ = each.mount_point;
            found.all_.insert(found.all_.begin(), each.mount_point);
        } else if (each.type == "cgroup") {
            found.all_.emplace_back(each.mount_point);
            auto const options = "," + each.options + ",";
            if (options.find(",memory,") != std::string::npos) found.memory_ = each.mount_point;
        }
    }
    if (found.all_.empty()) {
        return error{errc::unsupported, "cgroups: none is mounted", {}, "mount cgroup2 on /sys/fs/cgroup"};
    }
    return found;
}

std::vector<fs::path> cgroups::directories(std::string const& path) const {
    std::vector<fs::path> found;
    for (auto const& each : all_) {
        auto directory = fs::path(each.string() + path);
        if (::access(directory.c_str(), F_OK) == 0) found.push_back(std::move(directory));
    }
    return found;
}

result<void> cgroups::add(std::string const& path, pid_t process) const {
    if (!unified_) return {};
    auto const directory = fs::path(unified_->string() + path);
    if (auto const made = make_directories(directory); !made) return made;
    if (auto const failure = write_control(directory / "cgroup.procs", std::to_string(process))) {
        return system_error(directory, "add a process", failure);
    }
    return {};
}

bool cgroups::exists(std::string const& path) const { return !directories(path).empty(); }

void cgroups::kill(std::string const& path) const {
    if (unified_ && write_control(unified_->string() + path + "/cgroup.kill", "1") == 0) {
        // runc joins v1's hierarchies first, so a half made container may be in those only.
        kill_each(directories(path));
        return;
    }
    // Before Linux 5.14, or v1 alone: each process may fork while we look, hence several rounds.
    constexpr int rounds_max = 20;
    for (int round = 0; round < rounds_max && kill_each(directories(path)); ++round) ::poll(nullptr, 0, 1);
}

bool cgroups::is_populated(std::string const& path) const {
    for (auto const& root : directories(path)) {
        std::vector<fs::path> groups;
        collect(root, groups);
        for (auto const& group : groups) {
            if (!processes(group).empty()) return true;
        }
    }
    return false;
}

bool cgroups::wait_empty(std::string const& path, duration length) const {
    constexpr int step_ms = 1;
    auto const rounds = std::chrono::duration_cast<std::chrono::milliseconds>(length).count() / step_ms;
    for (std::int64_t round = 0; is_populated(path); ++round) {
        if (round >= rounds) return false;
        ::poll(nullptr, 0, step_ms);
    }
    return true;
}

result<void> cgroups::remove(std::string const& path) const {
    for (auto const& root : directories(path)) {
        std::vector<fs::path> groups;
        collect(root, groups);
        for (auto const& group : groups) {
            if (::rmdir(group.c_str()) == 0 || errno == ENOENT) continue;
            if (errno == EBUSY) return error{errc::conflict, fmt::format("{}: is in use", group.string())};
            return system_error(group, "rmdir", errno);
        }
    }
    return {};
}

std::uint64_t cgroups::out_of_memory_kills(std::string const& path) const {
    auto const file = memory_ ? memory_->string() + path + "/memory.oom_control"
                              : unified_.value_or("/").string() + path + "/memory.events";
    return find_count(try_read_file(file).value_or(""), "oom_kill").value_or(0);
}

bool cgroups::limits_swap() const {
    if (memory_) return ::access((*memory_ / "memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
    return ::access("/proc/swaps", F_OK) == 0;
}

}  // namespace rik::detail
