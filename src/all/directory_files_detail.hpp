// Files and directories of `directories`: blocking, with errors that name the path and the option to change.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

error failed(std::filesystem::path const& where, int number, std::string_view option);

/// Makes `directory` and what is above it. Those that were made are added to `made`, the outermost first.
result<void> make_directories(std::filesystem::path const& directory, std::string_view option,
                              std::vector<std::filesystem::path>& made);

/// Nothing can be changed in it: its file system is mounted so.
bool is_read_only(std::filesystem::path const& directory);

/// A file that is being written, or that a crash has left so.
std::filesystem::path draft_of(std::filesystem::path const& file);

/// Whether there is something else in it than what a start begins with. A directory that is missing has nothing.
result<bool> has_other_things(std::filesystem::path const& directory, std::vector<std::filesystem::path> const& known,
                              std::string_view option);

/// Nothing: there is no such file.
result<std::optional<std::string>> read_small_file(std::filesystem::path const& file, std::string_view option);

/// Whole or not at all, after a loss of power too.
result<void> write_small_file(std::filesystem::path const& file, std::string_view text, std::string_view option);

/// Nothing happens if it is not there.
result<void> remove_file(std::filesystem::path const& file);

/// The files of a journal, and the directory if it is empty then and no mount point.
result<void> remove_database(std::filesystem::path const& directory);

/// Why a directory that was to be removed is still there; empty if it is not.
std::string_view why_it_stays(std::filesystem::path const& directory);

/// Errors: invalid, mount options cannot have such a path.
result<void> check_form(std::filesystem::path const& directory, std::string_view option);

/// Who owns a directory can put what he likes in the place of what root makes there. Errors: denied; internal.
result<void> check_owner(std::filesystem::path const& directory, std::string_view option);

/// A descriptor that holds the lock of the directory itself, which keeps a second rik out although somebody has
/// removed the lock file; -1 if another process has it. Whoever could read the directory could lock it.
int lock_directory(std::filesystem::path const& directory);

/// What need not outlive the boot need not wait for a disk. Usually /run is in memory anyhow; where it is not, the run
/// directory becomes a file system of its own. Without one everything works as well, only slower. True: it has become
/// one.
bool keep_in_memory(std::filesystem::path const& directory);
/// True for a file system that `keep_in_memory` has mounted.
bool is_our_mount(std::filesystem::path const& directory);

/// Whether `one` is `other`, or below it.
bool is_in(std::filesystem::path const& one, std::filesystem::path const& other);

}  // namespace rik::detail
