// What the cgroups around this process leave of the machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace rik::detail {

struct cgroup_limits {
    std::optional<std::int64_t> cpu_milli = {};
    std::optional<std::int64_t> memory_bytes = {};
};

/// The smallest limits on the way from this process's cgroups (`proc`/self/cgroup) up to their roots below `mounts`.
/// What cannot be read limits nothing: there may be no cgroups.
cgroup_limits read_cgroup_limits(std::filesystem::path const& proc, std::filesystem::path const& mounts);

}  // namespace rik::detail
