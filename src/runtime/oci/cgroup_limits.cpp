#include "runtime/oci/cgroup_limits_detail.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

/// Version 1 says "no limit" with a number near 2^63.
constexpr std::int64_t unlimited_bytes = std::int64_t{1} << 60;

void lower(std::optional<std::int64_t>& limit, std::int64_t to) {
    if (to > 0) limit = std::min(limit.value_or(to), to);
}

/// Nothing if the file is missing or says "max".
std::optional<std::int64_t> read_number(fs::path const& file) {
    std::int64_t number = 0;
    std::ifstream in(file);
    if (in >> number) return number;
    return std::nullopt;
}

void lower_cpu(cgroup_limits& limits, std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
    constexpr std::int64_t quota_max = std::int64_t{1} << 50;  // microseconds; times 1000 it fits
    if (quota && period && *quota > 0 && *quota<quota_max&& * period> 0) {
        lower(limits.cpu_milli, *quota * 1000 / *period);
    }
}

void lower_memory(cgroup_limits& limits, std::optional<std::int64_t> bytes) {
    if (bytes && *bytes < unlimited_bytes) lower(limits.memory_bytes, *bytes);
}

void look(fs::path const& group, cgroup_limits& limits) {
    std::int64_t quota = 0;
    std::int64_t period = 0;
    std::ifstream cpu_max(group / "cpu.max");  // version 2: "QUOTA PERIOD"; "max ..." does not parse
    if (cpu_max >> quota >> period) lower_cpu(limits, quota, period);
    lower_memory(limits, read_number(group / "memory.max"));
    lower_cpu(limits, read_number(group / "cpu.cfs_quota_us"), read_number(group / "cpu.cfs_period_us"));
    lower_memory(limits, read_number(group / "memory.limit_in_bytes"));
}

/// From `path` below `mount` up to the mount's root. Seen from inside a container the path may not be there.
void look_upwards(fs::path const& mount, fs::path path, cgroup_limits& limits) {
    path = path.relative_path();
    while (!path.empty()) {
        look(mount / path, limits);
        path = path.parent_path();
    }
    look(mount, limits);
}

}  // namespace

cgroup_limits read_cgroup_limits(fs::path const& proc, fs::path const& mounts) {
    cgroup_limits limits;
    std::ifstream groups(proc / "self" / "cgroup");
    for (std::string line; std::getline(groups, line);) {  // "ID:CONTROLLERS:PATH", man 7 cgroups
        auto const first = line.find(':');
        auto const second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos) continue;
        auto const controllers = std::string_view(line).substr(first + 1, second - first - 1);
        fs::path const path(line.substr(second + 1));
        if (controllers.empty()) {
            look_upwards(mounts, path, limits);
            look_upwards(mounts / "unified", path, limits);
        }
        if (controllers == "cpu" || controllers.starts_with("cpu,") || controllers.ends_with(",cpu")) {
            look_upwards(mounts / "cpu", path, limits);
        }
        if (controllers == "memory") look_upwards(mounts / "memory", path, limits);
    }
    return limits;
}

}  // namespace rik::detail
