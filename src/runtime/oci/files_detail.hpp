// Small files and directories: blocking, with errors that name the path.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace rik::detail {

/// errc::exhausted for a full disk and for want of descriptors or memory, not_found for ENOENT, ESRCH (a process that
/// ended while its file in /proc was read) and ENODEV (the same of a control group), denied for EROFS, else internal.
error system_error(std::filesystem::path const& subject, std::string_view step, int number);

result<void> make_directories(std::filesystem::path const& path);

/// The text of a file of at most `bytes_max` bytes. Errors: not_found; corrupt, it is longer; internal.
result<std::string> read_file(std::filesystem::path const& path, std::size_t bytes_max);

/// Nothing if there is no such file. What something hangs on that runs is read with this: for a moment a file cannot be
/// read, and that must not look as if it were gone. Errors: those of read_file.
result<std::optional<std::string>> read_file_if_there(std::filesystem::path const& path, std::size_t bytes_max);

/// Nothing if the file cannot be read, for whatever reason: for files that only tell more.
std::optional<std::string> try_read_file(std::filesystem::path const& path);

/// Writes in place: the inode stays, so that bind mounts of it show the change.
result<void> write_file(std::filesystem::path const& path, std::string_view text);

/// Readers see the old file or the new one, never half of one.
result<void> replace_file(std::filesystem::path const& path, std::string_view text);

/// One write(2) to a file that is there, as the kernel's control files want it. Returns 0 or an errno.
int write_control(std::filesystem::path const& path, std::string_view text);

/// Never crosses a mount point: what is mounted below, by whomever, is not ours to delete. Nothing happens if it is not
/// there. `stop` is looked at before each file: what is left by then stays.
/// Errors: conflict, something is mounted below, or somebody keeps writing there; internal, also for what was stopped.
result<void> remove_tree(std::filesystem::path const& path, std::stop_token stop = std::stop_token());

}  // namespace rik::detail
