// Running processes that nobody has written down: found by what they were started with.
#pragma once

#include "unique_fd_detail.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// Each text of a process is a list whose entries end in NUL.   Source: man proc_pid_cmdline, proc_pid_environ
struct process_texts {
    std::string command_line;
    std::string environment;

    /// "conmon" of "/usr/bin/conmon": after an update the same program may lie elsewhere.
    std::string_view program() const;
};

/// Pidfds of the running processes that have one of these names and are wanted, each opened before the look, so that it
/// is this process that is killed. No texts of others are read: the kernel has whoever reads those of a process that
/// is short of memory wait, for half a minute and more. Blocks; reads all of /proc.
std::vector<unique_fd> find_processes(std::vector<std::string> names,
                                      std::function<bool(process_texts const&)> const& is_wanted);

/// Kills the skopeo and the umoci that work below `directory`, and waits until they have ended, for a second at most: a
/// rik that was killed leaves them behind. Blocks; reads all of /proc.
void kill_image_tools(std::filesystem::path const& directory);

}  // namespace rik::detail
