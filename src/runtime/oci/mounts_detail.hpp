// Mounts of this process's mount namespace.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

struct mount_entry {
    std::string mount_point;
    std::string type;
    std::string options;  ///< of the file system
};

/// This thread's mountinfo, however many mounts there are. Errors: exhausted; internal.
result<std::string> read_mountinfo();

/// Source: man proc_pid_mountinfo. Lines of another form are skipped.
std::vector<mount_entry> parse_mounts(std::string_view mountinfo);

/// Those at or below `root`, deepest (latest) first.
std::vector<std::string> mounts_below(std::vector<mount_entry> const& mounts, std::filesystem::path const& root);

/// Precondition: no path has , : or \ in it.
result<void> mount_overlay(std::filesystem::path const& lower, std::filesystem::path const& upper,
                           std::filesystem::path const& work, std::filesystem::path const& where);
result<void> mount_tmpfs(std::filesystem::path const& where, std::uint64_t bytes_max);

/// Detaches what is mounted on `where`, however often. Nothing happens if it is not there or no mount point.
result<void> unmount(std::filesystem::path const& where);

/// Detaches all mounts at or below any of `roots`.
result<void> unmount_below(std::vector<std::filesystem::path> const& roots);

}  // namespace rik::detail
