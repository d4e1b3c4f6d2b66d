// The log files of a container: read while they are written and rotated.
//
// LOG is written by conmon; LOG.1 is the one before it, and so on. We rotate: LOG is renamed, and conmon told to open
// it anew. But conmon counts what it has ever written (conmon 2.1, src/ctr_logging.c, bytes_written), and each time
// that reaches its --log-size-max it replaces LOG by a new file, whatever LOG's size. LOG.kept is a second name of the
// file that is written: what conmon has replaced is still there by it, and becomes LOG.1. While nobody looks, conmon
// may replace several; of those only the first has a second name. LOG.cut is there once a part may have been dropped,
// and names the files behind which such a hole is.
#pragma once

#include "context_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace rik::detail {

/// Blocks. `on` must outlive the reader. Errors: not_found, there is no log; exhausted, it must be whole and is not;
/// conflict, it is to go on in the log of another instance.
result<std::unique_ptr<container_log_reader>> open_log_reader(runtime_context const& on, container_key const& key,
                                                              container_log_options const& options);

/// Renames logs that have become too long and has conmon begin new ones. What has ended is looked at once more and then
/// forgotten: ten thousand of those may lie about, and looking at them would keep a machine busy that has nothing to
/// do.
class container_log_rotation {
public:
    /// `on` must outlive it.
    explicit container_log_rotation(runtime_context const& on) : on_(on) {}

    /// For a container that was started. Those that are there when `run` begins are found.
    void add(container_key key) { written_.try_emplace(std::move(key)); }

    /// Until it is cancelled. Once.
    awaitable<> run();

private:
    using log_sizes = std::map<container_key, std::uint64_t>;
    bool look(log_sizes& logs);
    result<void> add_present(log_sizes& logs) const;

    runtime_context const& on_;
    log_sizes written_;  // at the look before, and what was added since
    bool knows_present_ = false;
};

/// An open log file. As long as it is open its number is not used again.
struct container_log_file {
    unique_fd file;
    std::uint64_t inode = 0;
    std::chrono::nanoseconds born = {};
    off_t offset = 0;
    bool is_behind_hole = false;            ///< files between the one before and this one were dropped
    bool has_one_name = false;              ///< when it was opened
    bool was_replaced = false;              ///< by conmon: its second name is its only one
    std::chrono::nanoseconds changed = {};  ///< its names or contents
};

/// At most `size` bytes; what is there.
std::string read_log_block(container_log_file const& from, off_t offset, std::size_t size);

std::optional<container_log_file> open_log_file(std::filesystem::path const& path);

/// The newest first, each once. A file that is renamed meanwhile is not missed: it only becomes older.
std::vector<container_log_file> open_log_files(container_paths const& paths, std::size_t files_max);

/// Where a reader begins.
struct container_log_beginning {
    std::deque<container_log_file> files;  ///< oldest first; the first is read first, from its offset on
    container_log_position state;          ///< of the streams there, and what is asked of them; the rest is not used
    bool is_behind_gap = false;            ///< something that was asked for is not kept any more
};

/// What `options` ask for of these files, the newest of which is the first. Blocks.
container_log_beginning find_beginning(std::vector<container_log_file> files, container_key const& key,
                                       container_log_options const& options);

/// How many of `files`, from the first on, are newer than the file of that inode and birth.
struct newer_files {
    std::size_t count = 0;
    bool is_there = false;  ///< that file itself is the next of them; false: it was dropped
};
newer_files count_newer(std::vector<container_log_file> const& files, std::uint64_t inode,
                        std::chrono::nanoseconds born);

/// Gives the file that is written its second name. For one that conmon has just begun.
void keep_log(container_paths const& paths);

/// Of a file that conmon has replaced, and the one that is written now: were there others in between? The moment at
/// which it lost its name is that of its replacement, and a file is born before it replaces another. Both times are as
/// coarse as the kernel's tick (4 ms), in which conmon cannot fill a file of the usual size.
bool is_hole_between(container_log_file const& replaced, container_log_file const& written);

/// Says that files behind this one were dropped, for good.
void mark_hole(std::filesystem::path const& log, container_log_file const& behind);

/// True if a part of it may have been dropped: its oldest lines by a rotation, or a file in between that conmon had
/// begun and replaced while nobody looked.
bool may_be_cut(std::filesystem::path const& log);

/// Says that it may be, for good.
void mark_as_cut(std::filesystem::path const& log);

/// Removes all files of an attempt.
void remove_logs(container_paths const& paths, std::size_t files_max);
/// Before an attempt is started: removes the logs of the one that is too long ago, so that few are ever there. Blocks.
void drop_old_logs(runtime_context const& on, container_key key);

}  // namespace rik::detail
