#include "cgroups_detail.hpp"

#include "cpu_throttle_detail.hpp"
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
#include <sys/stat.h>
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

std::vector<pid_t> processes_in(fs::path const& directory) {
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
            for (auto const process : processes_in(group)) found = ::kill(process, SIGKILL) == 0 || found;
        }
    }
    return found;
}

/// Not as simple as usual: there are groups below, or a process is about to end.
result<void> remove_group_tree(fs::path const& root) {
    constexpr int rounds_max = 20;
    for (int round = 0;; ++round) {
        std::vector<fs::path> groups;
        collect(root, groups);
        int failure = 0;
        for (auto const& each : groups) {
            if (::rmdir(each.c_str()) != 0 && errno != ENOENT) failure = errno;
        }
        if (failure == 0) return {};
        if (failure != EBUSY) return system_error(root, "rmdir", failure);
        if (round == rounds_max) return error{errc::conflict, fmt::format("{}: a process is in it", root.string())};
        kill_each({root});
        ::poll(nullptr, 0, 1);
    }
}

/// 0 if it is none: "max".
std::int64_t number_in(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
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

memory_trouble read_memory_trouble_v2(std::string_view events, std::string_view limit) {
    memory_trouble found{.kills = find_count(events, "oom_kill").value_or(0)};
    if (found.kills > 0 && find_count(events, "oom").value_or(0) > 0) found.limit_hit = number_in(limit);
    return found;
}

memory_trouble read_memory_trouble_v1(std::string_view oom_control, std::string_view failures,
                                      std::string_view failures_with_swap, std::string_view limit,
                                      std::string_view peak) {
    memory_trouble found{.kills = find_count(oom_control, "oom_kill").value_or(0)};
    auto const most = number_in(limit);
    auto const is_near = most > 0 && number_in(peak) >= most - most / 16;
    auto const is_hit = number_in(failures) > 0 || number_in(failures_with_swap) > 0 || is_near;
    if (found.kills > 0 && is_hit) found.limit_hit = most;
    return found;
}

cpu_limits quota_of(std::int64_t limit_milli) {
    constexpr std::int64_t quota_us_min = 1'000;  // less is refused by the kernel
    if (limit_milli <= 0) return {};
    return {.quota_us = std::max(limit_milli * cpu_period_us / 1000, quota_us_min), .period_us = cpu_period_us};
}

std::string unified_group(std::string_view own) {
    auto const at = own.starts_with("0::") ? 0 : own.find("\n0::");
    if (at == std::string_view::npos) return {};
    auto const line = own.substr(at == 0 ? 3 : at + 4);
    return std::string(line.substr(0, line.find('\n')));
}

std::string group_of_hierarchy(std::string_view own, std::string_view mount_options) {
    auto const options = fmt::format(",{},", mount_options);
    while (!own.empty()) {
        auto line = own.substr(0, own.find('\n'));
        own.remove_prefix(std::min(line.size() + 1, own.size()));
        line.remove_prefix(std::min(line.find(':') + 1, line.size()));
        auto const controllers = line.substr(0, line.find(':'));
        auto const is_it = !controllers.empty() && options.find(fmt::format(",{},", controllers)) != std::string::npos;
        if (is_it) return std::string(line.substr(std::min(controllers.size() + 1, line.size())));
    }
    return {};
}

result<cgroups> cgroups::find(std::string_view mountinfo) {
    cgroups found;
    for (auto const& each : parse_mounts(mountinfo)) {
        if (each.type == "cgroup2" && !found.unified_) {
            found.unified_ = each.mount_point;
            found.all_.insert(found.all_.begin(), each.mount_point);
        } else if (each.type == "cgroup") {
            found.all_.emplace_back(each.mount_point);
            found.options_.emplace(each.mount_point, each.options);
            auto const options = "," + each.options + ",";
            if (options.find(",memory,") != std::string::npos) found.memory_ = each.mount_point;
            if (options.find(",cpu,") != std::string::npos) found.cpu_ = each.mount_point;
            if (options.find(",cpuacct,") != std::string::npos) found.cpuacct_ = each.mount_point;
            if (options.find(",pids,") != std::string::npos) found.pids_ = each.mount_point;
            if (options.find(",freezer,") != std::string::npos) found.exec_ = {each.mount_point, "freezer"};
        }
    }
    if (found.all_.empty()) {
        return error{errc::unsupported, "cgroups: none is mounted", {}, "mount cgroup2 on /sys/fs/cgroup"};
    }
    if (found.unified_ && found.all_.size() == 1) found.exec_ = {*found.unified_, ""};
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

std::optional<fs::path> cgroups::second_of_two() const { return all_.size() > 1 ? unified_ : std::nullopt; }

std::vector<fs::path> cgroups::exec_groups(std::string const& path, std::string const& name) const {
    std::vector<fs::path> found;
    for (auto const& each : all_) {
        auto directory = fs::path(each.string() + path);
        if (each == unified_ || ::access(directory.c_str(), F_OK) != 0) continue;
        if (exec_ && each == exec_->mount_point) directory /= name;
        found.push_back(std::move(directory));
    }
    return found;
}

result<void> cgroups::add(fs::path const& hierarchy, std::string const& path, std::string_view process) const {
    auto const directory = hierarchy.native() + path;
    auto const processes = directory + "/cgroup.procs";
    auto failure = write_control(processes, process);
    if (failure == ENOENT) {  // most often the group has been there for long
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return system_error(directory, "mkdir", errno);
        failure = write_control(processes, process);
    }
    if (failure == 0) return {};
    ::rmdir(directory.c_str());  // stays if others are in it
    return system_error(directory, "add a process", failure);
}

result<void> cgroups::add_monitor(std::string const& path, std::string const& shared, pid_t process) const {
    auto const text = std::to_string(process);
    auto const own = try_read_file(fmt::format("/proc/{}/cgroup", process)).value_or("");
    for (auto const& each : all_) {
        if (each == unified_ || group_of_hierarchy(own, options_.at(each)) == "/") continue;
        // A new group of cpuset takes nobody until it is given processors; it is the one that does not matter.
        [[maybe_unused]] auto const added = add(each, shared, text);
    }
    if (!unified_) return {};
    return add(*unified_, path, text);
}

void cgroups::warm_up() const {
    if (!unified_) return;
    // Asked each time: whoever has us as a library may have moved its process meanwhile.
    auto const group = unified_group(try_read_file("/proc/thread-self/cgroup").value_or(""));
    if (!group.empty()) write_control(unified_->string() + group + "/cgroup.procs", "0");  // "0" is the writer itself
}

result<void> cgroups::limit_cpu(std::string const& path, cpu_limits const& limits) const {
    auto const directory = cpu_directory(path);
    int failure = 0;
    auto const set = [&](char const* file, std::string const& text) {
        if (failure == 0) failure = write_control(directory / file, text);
    };
    // v2's weight goes from 1 to 10,000.   Source: runc, ConvertCPUSharesToCgroupV2Value
    auto const weight = 1 + (limits.shares - 2) * 9999 / 262'142;
    if (limits.shares > 0 && cpu_) set("cpu.shares", std::to_string(limits.shares));
    if (limits.shares > 0 && !cpu_) set("cpu.weight", std::to_string(weight));
    if (limits.quota_us > 0 && cpu_) {
        set("cpu.cfs_period_us", std::to_string(limits.period_us));
        set("cpu.cfs_quota_us", std::to_string(limits.quota_us));
    }
    if (limits.quota_us > 0 && !cpu_) set("cpu.max", fmt::format("{} {}", limits.quota_us, limits.period_us));
    if (failure != 0) return system_error(directory, "limit the processors", failure);
    return {};
}

result<void> cgroups::limit_memory(std::string const& path, std::int64_t bytes) const {
    auto const directory = fs::path((memory_ ? *memory_ : unified_.value_or("/")).string() + path);
    auto const text = std::to_string(bytes);
    auto failure = write_control(directory / (memory_ ? "memory.limit_in_bytes" : "memory.max"), text);
    if (failure == 0 && limits_swap())  // v1 counts memory and swap together
        failure = memory_ ? write_control(directory / "memory.memsw.limit_in_bytes", text)
                          : write_control(directory / "memory.swap.max", "0");
    if (failure != 0) return system_error(directory, "limit the memory", failure);
    return {};
}

result<void> cgroups::make_pod(fs::path const& hierarchy, std::string const& path) const {
    auto const pod = fs::path(hierarchy.string() + path);
    for (auto const& each : {pod.parent_path(), pod}) {
        if (hierarchy == unified_)
            for (auto const* controller : {"+cpu", "+memory", "+pids"})
                write_control(each.parent_path() / "cgroup.subtree_control", controller);
        if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) return system_error(each, "mkdir", errno);
    }
    return {};
}

void cgroups::make_in_second(std::string const& path) const {
    auto const second = second_of_two();
    if (!second) return;
    auto const pod = fs::path(second->string() + path);
    for (auto const& each : {pod.parent_path(), pod}) ::mkdir(each.c_str(), 0755);  // conmon says if it is missing
}

result<void> cgroups::limit_pod(std::string const& path, resources const& limits) const {
    auto const bytes = limits.get(resource::memory);
    auto const quota = quota_of(limits.get(resource::cpu));
    if (bytes > 0) {
        if (auto const made = make_pod(memory_ ? *memory_ : unified_.value_or("/"), path); !made) return made;
        if (auto const limited = limit_memory(path, bytes); !limited) return limited;
    }
    if (quota.quota_us == 0) return {};
    if (auto const made = make_pod(cpu_ ? *cpu_ : unified_.value_or("/"), path); !made) return made;
    return limit_cpu(path, quota);
}

std::vector<pid_t> cgroups::processes(std::string const& path) const {
    std::vector<pid_t> found;
    for (auto const& each : directories(path)) {
        auto const here = processes_in(each);
        found.insert(found.end(), here.begin(), here.end());
    }
    return found;
}

fs::path cgroups::cpu_directory(std::string const& path) const {
    return (cpu_ ? *cpu_ : unified_.value_or("/")).string() + path;
}

void cgroups::kill(std::string const& path) const {
    lift_cpu_limit(cpu_directory(path));
    // Somebody may have frozen it, or its Pod, and v1 lets nobody die there.
    if (exec_ && !exec_->controller.empty())
        for (auto const& each : {path.substr(0, path.rfind('/')), path})
            write_control(exec_->mount_point.string() + each + "/freezer.state", "THAWED");
    if (unified_ && write_control(unified_->string() + path + "/cgroup.kill", "1") == 0) return;
    // v1 alone, Linux before 5.14, or a container that is half made: runc joins v1's hierarchies first. Each process
    // may fork while we look, hence several rounds.
    constexpr int rounds_max = 20;
    for (int round = 0; round < rounds_max && kill_each(directories(path)); ++round) ::poll(nullptr, 0, 1);
}

result<void> cgroups::remove(std::string const& path) const {
    for (auto const& each : all_) {
        auto const root = fs::path(each.string() + path);
        if (::rmdir(root.c_str()) == 0 || errno == ENOENT) continue;
        if (auto const removed = remove_group_tree(root); !removed) return removed;
    }
    return {};
}

result<void> cgroups::make_exec(std::string const& path) const {
    if (!exec_) return {};
    auto const directory = fs::path(exec_->mount_point.string() + path);
    if (::mkdir(directory.c_str(), 0755) != 0) return system_error(directory, "mkdir", errno);
    return {};
}

void cgroups::kill_exec(std::string const& path) const {
    if (!exec_) return;
    auto const directory = fs::path(exec_->mount_point.string() + path);
    if (write_control(directory / "cgroup.kill", "1") == 0) return;
    write_control(directory / "freezer.state", "FROZEN");  // what forks meanwhile is seen, too
    kill_each({directory});
    write_control(directory / "freezer.state", "THAWED");
}

result<void> cgroups::remove_empty_exec(std::string const& path) const {
    if (!exec_) return {};
    auto const directory = fs::path(exec_->mount_point.string() + path);
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
    if (errno == EBUSY) return error{errc::conflict, fmt::format("{}: a process is in it", path)};
    return system_error(directory, "rmdir", errno);
}

result<void> cgroups::remove_exec(std::string const& path) const {
    constexpr int rounds_max = 20;
    for (int round = 0;; ++round) {
        auto removed = remove_empty_exec(path);
        if (removed || removed.error().code != errc::conflict || round == rounds_max) return removed;
        auto const directory = fs::path(exec_->mount_point.string() + path);
        for (auto const each : processes_in(directory))
            write_control(directory.parent_path() / "cgroup.procs", std::to_string(each));
        if (round > 0) ::poll(nullptr, 0, 1);
    }
}

std::vector<std::string> cgroups::list_execs(std::string const& path) const {
    std::vector<std::string> found;
    if (!exec_) return found;
    std::error_code failure;
    fs::directory_iterator each(exec_->mount_point.string() + path, failure);
    for (fs::directory_iterator end; !failure && each != end; each.increment(failure)) {
        auto name = each->path().filename().string();
        if (name.starts_with("exec-")) found.push_back(std::move(name));
    }
    return found;
}

memory_trouble cgroups::find_memory_trouble(std::string const& path) const {
    auto const directory = fs::path((memory_ ? *memory_ : unified_.value_or("/")).string() + path);
    auto const text = [&](char const* file) { return try_read_file(directory / file).value_or(""); };
    auto found = memory_ ? read_memory_trouble_v1(text("memory.oom_control"), text("memory.failcnt"),
                                                  text("memory.memsw.failcnt"), text("memory.limit_in_bytes"),
                                                  text("memory.max_usage_in_bytes"))
                         : read_memory_trouble_v2(text("memory.events"), text("memory.max"));
    if (found.kills == 0 || found.limit_hit > 0) return found;
    found.limit_hit = limit_hit_by_pod(path.substr(0, path.rfind('/')));
    found.is_limit_of_pod = found.limit_hit > 0;
    return found;
}

/// The kill itself is counted where the process was.
std::int64_t cgroups::limit_hit_by_pod(std::string const& path) const {
    auto const directory = fs::path((memory_ ? *memory_ : unified_.value_or("/")).string() + path);
    auto const text = [&](char const* file) { return try_read_file(directory / file).value_or(""); };
    constexpr std::string_view one_kill = "oom_kill 1\n";
    if (memory_)
        return read_memory_trouble_v1(one_kill, text("memory.failcnt"), text("memory.memsw.failcnt"),
                                      text("memory.limit_in_bytes"), text("memory.max_usage_in_bytes"))
            .limit_hit;
    return read_memory_trouble_v2(std::string(one_kill) + text("memory.events.local"), text("memory.max")).limit_hit;
}

bool cgroups::limits_swap() const {
    if (memory_) return ::access((*memory_ / "memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
    return ::access("/proc/swaps", F_OK) == 0;
}

}  // namespace rik::detail
