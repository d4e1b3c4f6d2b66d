// The control groups of this machine: v1, v2, or both side by side (the hybrid layout).
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rik::detail {

/// Paths of groups are absolute within every hierarchy: "/rik-<tag>/<uid>".
class cgroups {
public:
    /// Finds the hierarchies among the mounts. Errors: unsupported, there are none.
    static result<cgroups> find(std::string_view mountinfo);

    /// Makes `path` in the unified hierarchy if there is one, and moves `process` into it.
    result<void> add(std::string const& path, pid_t process) const;
    bool has_unified() const { return unified_.has_value(); }

    /// Kills every process of `path` and below.
    void kill(std::string const& path) const;
    bool exists(std::string const& path) const;
    bool is_populated(std::string const& path) const;
    /// Waits until no process is in `path` or below; false after `length`. Blocks.
    bool wait_empty(std::string const& path, duration length) const;
    /// Removes `path` and what is below from all hierarchies. Nothing happens if it is not there.
    /// Errors: conflict, a process is in it; internal.
    result<void> remove(std::string const& path) const;

    /// How often the kernel killed a process of `path` for want of memory; 0 if that cannot be read.
    std::uint64_t out_of_memory_kills(std::string const& path) const;

    /// True if swap can be limited: else runc refuses such a limit.
    bool limits_swap() const;

    std::vector<std::filesystem::path> const& hierarchies() const { return all_; }

private:
    std::vector<std::filesystem::path> directories(std::string const& path) const;

    std::vector<std::filesystem::path> all_;  // mount points, the unified one first
    std::optional<std::filesystem::path> unified_;
    std::optional<std::filesystem::path> memory_;  // v1's
};

/// The number after `key` in a file of "key number" lines.
std::optional<std::uint64_t> find_count(std::string_view text, std::string_view key);

}  // namespace rik::detail
