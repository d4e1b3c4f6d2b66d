// The control groups of this machine: v1, v2, or both side by side (the hybrid layout).
#pragma once

#include "small_file_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/resources.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rik::detail {

/// How much of the processors a group gets.   Source: Linux, sched-bwc; 0 means that it is not limited.
struct cpu_limits {
    std::int64_t shares = 0;  ///< 1024 is one core's worth when there are not enough for all
    std::int64_t quota_us = 0;
    std::int64_t period_us = 0;
    friend bool operator==(cpu_limits const&, cpu_limits const&) = default;
};

/// What the kernel did to a group for want of memory. Whose memory was short, the group's or the machine's, is to be
/// told apart: both kill.
struct memory_trouble {
    std::uint64_t kills = 0;       ///< processes of the group that were killed
    std::int64_t limit_hit = 0;    ///< bytes, if its own limit was met, or that of its Pod; else 0
    bool is_limit_of_pod = false;  ///< the latter
    friend bool operator==(memory_trouble const&, memory_trouble const&) = default;
};

/// From the files of a group: "memory.events" and "memory.max" of v2; "memory.oom_control", the numbers in the two
/// "failcnt" (memory, and memory with swap) and in "memory.limit_in_bytes" of v1.
/// Newer kernels do not always count there: a group whose peak came within a sixteenth of its limit has met it, too.
/// Source: Linux, cgroup-v2.rst, "oom": the group's limit was met; cgroup-v1/memory.rst, "failcnt": so often was it.
memory_trouble read_memory_trouble_v2(std::string_view events, std::string_view limit);
memory_trouble read_memory_trouble_v1(std::string_view oom_control, std::string_view failures,
                                      std::string_view failures_with_swap, std::string_view limit,
                                      std::string_view peak = {});

/// What a group uses, with all that is below it.
struct group_usage {
    duration cpu_time = {};
    std::int64_t memory_bytes = 0;  ///< without what the kernel could take back at once
    std::int64_t process_count = 0;
    friend bool operator==(group_usage const&, group_usage const&) = default;
};

/// Says again and again what a group uses. Keeps four files of the kernel open.
class group_meter {
public:
    group_meter() = default;  ///< of nothing
    /// Zeros for what cannot be read.
    group_usage read();
    /// Until the next `read`.
    void close();

private:
    friend class cgroups;
    kept_file cpu_;
    kept_file memory_;
    kept_file memory_stat_;
    kept_file processes_;
    bool counts_nanoseconds_ = false;  // v1's
};

/// From the files of a group: "memory.stat" and what its memory is in all.   Source: Kubernetes, the working set
std::int64_t working_set(std::int64_t usage_bytes, std::string_view memory_stat);

/// Where the groups of what is run in containers are: one hierarchy is enough to find them by. In v1's that of the
/// freezer, which stops a program that forks while it is killed; in v2's alone the unified one.
struct exec_hierarchy {
    std::filesystem::path mount_point;
    std::string controller;  ///< as runc names it; empty: v2's
};

/// Paths of groups are absolute within every hierarchy: "/rik-<tag>/<uid>".
class cgroups {
public:
    /// Finds the hierarchies among the mounts. Errors: unsupported, there are none.
    static result<cgroups> find(std::string_view mountinfo);

    /// Moves conmon out of our own groups: into `path` of the unified hierarchy, whose parent is there, and into
    /// `shared` of the others, where a group of its own for each would only cost time. Where we have none but the root,
    /// which nobody kills or limits, it stays there.
    /// Errors: not_found, the parent or the process is not there; internal.
    result<void> add_monitor(std::string const& path, std::string const& shared, pid_t process) const;

    /// The first move between groups after a pause waits 8 ms for a grace period of RCU; for some 20 ms after it all
    /// moves are immediate. This waits in advance, while runc is being loaded. It moves us to where we are. Blocks.
    void warm_up() const;

    result<void> limit_cpu(std::string const& path, cpu_limits const& limits) const;

    /// Makes the group of a Pod, `path`, in one hierarchy, with its parent, and in v2 with the controllers in both, as
    /// runc would. Errors: exhausted; internal.
    result<void> make_pod(std::filesystem::path const& hierarchy, std::string const& path) const;

    /// Makes the group of a Pod, `path`, and bounds what its containers use of cpu and memory together. Without such a
    /// limit nothing happens: runc makes the group.
    result<void> limit_pod(std::string const& path, resources const& limits) const;

    /// Makes the group of a Pod where v2 is mounted beside v1, which crun does not do: conmons are moved below it.
    void make_in_second(std::string const& path) const;

    /// The processes of `path`, without those that have ended.
    std::vector<pid_t> processes(std::string const& path) const;
    /// Where the processors of `path` are limited.
    std::filesystem::path cpu_directory(std::string const& path) const;
    /// Kills every process of `path`, a container's, and below, and lets them run for that: restore_cpu_limit undoes it
    /// for the Pod above.
    void kill(std::string const& path) const;
    /// Removes `path` and what is below from all hierarchies, killing what is in it. Nothing happens if it is not
    /// there. Errors: conflict, a process takes its time to end; internal.
    result<void> remove(std::string const& path) const;

    /// A group below `path`, a container's, for one program that is run in it. Nothing is made where there is no
    /// hierarchy for it.
    result<void> make_exec(std::string const& path) const;
    /// Kills all that is in it, but does not wait for the ends.
    void kill_exec(std::string const& path) const;
    /// What the program has left running is the container's from now on. Errors: conflict, as of `remove`.
    result<void> remove_exec(std::string const& path) const;
    /// Errors: conflict, something is in it.
    result<void> remove_empty_exec(std::string const& path) const;
    /// The groups for programs below `path`, a container's: their names.
    std::vector<std::string> list_execs(std::string const& path) const;
    /// nullopt: v1 without a freezer.
    std::optional<exec_hierarchy> const& for_exec() const { return exec_; }

    /// What `path`, the group of a container, has met for want of memory; nothing if that cannot be read.
    memory_trouble find_memory_trouble(std::string const& path) const;

    group_meter meter(std::string const& path) const;

    /// True if swap can be limited: else runc refuses such a limit.
    bool limits_swap() const;

    std::vector<std::filesystem::path> const& hierarchies() const { return all_; }
    /// Where v2 is mounted beside v1; nullopt if there is only one of them.
    std::optional<std::filesystem::path> second_of_two() const;
    /// Directories of v1: the groups of a program that is run in a container: those of the container (`path`) itself,
    /// and in the hierarchy of for_exec the one below it.
    std::vector<std::filesystem::path> exec_groups(std::string const& path, std::string const& name) const;

private:
    result<void> limit_memory(std::string const& path, std::int64_t bytes) const;
    std::int64_t limit_hit_by_pod(std::string const& path) const;
    result<void> add(std::filesystem::path const& hierarchy, std::string const& path, std::string_view process) const;
    std::vector<std::filesystem::path> directories(std::string const& path) const;

    std::vector<std::filesystem::path> all_;                // mount points, the unified one first
    std::map<std::filesystem::path, std::string> options_;  // of v1's mounts: they name the hierarchy
    std::optional<std::filesystem::path> unified_;
    std::optional<std::filesystem::path> memory_;  // v1's
    std::optional<std::filesystem::path> cpu_;     // v1's
    std::optional<std::filesystem::path> cpuacct_;
    std::optional<std::filesystem::path> pids_;
    std::optional<exec_hierarchy> exec_;
};

/// A quota for a limit of so many thousandths of a core; 0: none.
cpu_limits quota_of(std::int64_t limit_milli);

/// "/a/b" of the line "0::/a/b": the group in the unified hierarchy.   Source: man cgroups, /proc/PID/cgroup
std::string unified_group(std::string_view own);

/// "/a/b" of the line "4:cpu,cpuacct:/a/b": the group in the hierarchy of v1 that is mounted with these options.
std::string group_of_hierarchy(std::string_view own, std::string_view mount_options);

/// The number after `key` in a file of "key number" lines.
std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key);

}  // namespace rik::detail
