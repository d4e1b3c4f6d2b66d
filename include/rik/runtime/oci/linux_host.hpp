// What this Linux machine is and offers.
#pragma once

#include <rik/base/limits.hpp>
#include <rik/model/node.hpp>
#include <rik/runtime/host.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rik {

namespace detail {

/// Ticks of all processors together since the boot.   Source: man 5 proc, /proc/stat
struct cpu_times {
    std::uint64_t idle = 0;  ///< waiting for disks included
    std::uint64_t all = 0;
};

}  // namespace detail

struct linux_host_options {
    std::filesystem::path state_directory;   ///< its file system is the node's ephemeral storage
    std::string name = {};                   ///< empty: the machine's host name
    std::optional<resources> capacity = {};  ///< instead of what the machine has
    resources reserve = {};                  ///< of what the machine has, kept for all else that runs on it
    string_map labels = {};                  ///< of the node's own, beside those that follow from the machine
    std::vector<taint> taints = {};
    std::int64_t pods_max = limits::pods_per_node_default;
    std::filesystem::path proc = "/proc";  ///< tests give their own
    std::filesystem::path cgroups = "/sys/fs/cgroup";
};

/// The capacity is what this process may use: the processors of its affinity, and memory, both within the limits of its
/// cgroups (v1, v2, or hybrid).  Source: kernel's cgroup-v1/memory.rst, cgroup-v2.rst; man 5 proc, sched_getaffinity
class linux_host final : public host {
public:
    explicit linux_host(linux_host_options options);
    awaitable<result<node_facts>> describe() override;
    /// Disks are those that are mounted from devices of the machine.
    awaitable<result<machine_load>> measure() override;
    awaitable<result<disk_room>> measure_room() override;

private:
    result<machine_load> measure_now();

    linux_host_options options_;
    detail::cpu_times cpu_before_ = {};
};

}  // namespace rik
