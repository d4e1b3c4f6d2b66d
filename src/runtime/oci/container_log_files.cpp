#include "container_log_detail.hpp"
#include "files_detail.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::uint32_t attempts_with_logs_max = 5;

constexpr off_t hole_marks_bytes_max = 4096;

std::chrono::nanoseconds since_epoch(statx_timestamp const& when) {
    return std::chrono::seconds(when.tv_sec) + std::chrono::nanoseconds(when.tv_nsec);
}

/// A line of LOG.cut.
std::string hole_text(container_log_file const& behind) {
    return fmt::format("{} {}\n", behind.inode, behind.born.count());
}

/// Files that stand behind holes, as far as it is known.
void find_holes(std::vector<container_log_file>& newest_first, std::filesystem::path const& log) {
    auto const holes = "\n" + try_read_file(cut_log_mark(log)).value_or("");
    for (std::size_t at = 0; at + 1 < newest_first.size(); ++at) {
        auto const& before = newest_first[at + 1];
        newest_first[at].is_behind_hole = holes.find("\n" + hole_text(before)) != std::string::npos ||
                                          (before.was_replaced && is_hole_between(before, newest_first[at]));
    }
}

}  // namespace

std::optional<container_log_file> open_log_file(std::filesystem::path const& path) {
    container_log_file opened{.file = unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))};
    struct statx about {};
    constexpr auto wanted = STATX_INO | STATX_BTIME | STATX_CTIME | STATX_NLINK;
    if (!opened.file || ::statx(opened.file.get(), "", AT_EMPTY_PATH, wanted, &about) != 0) return {};
    opened.inode = about.stx_ino;
    opened.born = since_epoch(about.stx_btime);
    opened.changed = since_epoch(about.stx_ctime);
    opened.has_one_name = about.stx_nlink == 1;
    return opened;
}

bool is_hole_between(container_log_file const& replaced, container_log_file const& written) {
    return written.born > replaced.changed;
}

void mark_hole(std::filesystem::path const& log, container_log_file const& behind) {
    auto const text = hole_text(behind);
    unique_fd const mark(
        ::open(cut_log_mark(log).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat about {};
    // Most of what it names was dropped long ago.
    if (::fstat(mark.get(), &about) != 0 || (about.st_size > hole_marks_bytes_max && ::ftruncate(mark.get(), 0) != 0))
        return;
    [[maybe_unused]] auto const written = ::write(mark.get(), text.data(), text.size());
}

std::string read_log_block(container_log_file const& from, off_t offset, std::size_t size) {
    std::string block(size, '\0');
    auto const got = ::pread(from.file.get(), block.data(), size, offset);
    block.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return block;
}

std::vector<container_log_file> open_log_files(container_paths const& paths, std::size_t files_max) {
    std::vector<container_log_file> found;
    auto const add = [&](std::filesystem::path const& path) {
        auto opened = open_log_file(path);
        if (!opened) return;
        auto const is_same = [&](container_log_file const& each) { return each.inode == opened->inode; };
        if (std::ranges::none_of(found, is_same)) found.push_back(std::move(*opened));
    };
    add(paths.log);
    auto const named_count = found.size();
    add(kept_log(paths.log));
    if (found.size() > named_count) found.back().was_replaced = found.back().has_one_name;
    for (std::size_t rotation = 1; rotation < files_max; ++rotation) add(rotated_log(paths.log, rotation));
    find_holes(found, paths.log);
    return found;
}

void keep_log(container_paths const& paths) {
    auto const kept = kept_log(paths.log);
    struct stat written {};
    struct stat second {};
    if (::stat(paths.log.c_str(), &written) != 0) return;
    if (::stat(kept.c_str(), &second) == 0) {
        auto const was_replaced = second.st_nlink == 1;  // this moment: it is the only name of what was written before
        if (second.st_ino == written.st_ino || was_replaced) return;
        ::unlink(kept.c_str());
    }
    [[maybe_unused]] auto const linked = ::link(paths.log.c_str(), kept.c_str());  // else at the next look
}

bool may_be_cut(std::filesystem::path const& log) {
    struct stat kept {};
    auto const was_replaced = ::stat(kept_log(log).c_str(), &kept) == 0 && kept.st_nlink == 1;
    return was_replaced || ::access(cut_log_mark(log).c_str(), F_OK) == 0;
}

void mark_as_cut(std::filesystem::path const& log) {
    unique_fd const mark(::open(cut_log_mark(log).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

void remove_logs(container_paths const& paths, std::size_t files_max) {
    ::unlink(kept_log(paths.log).c_str());
    ::unlink(cut_log_mark(paths.log).c_str());
    ::unlink(next_log(paths.log).c_str());
    for (std::size_t rotation = 0; rotation < files_max; ++rotation) {
        ::unlink(rotated_log(paths.log, rotation).c_str());
    }
}

void drop_old_logs(runtime_context const& on, container_key key) {
    if (key.attempt < attempts_with_logs_max) return;
    key.attempt -= attempts_with_logs_max;  // one start drops one attempt, so no more are ever there
    remove_logs(on.paths.container(key), on.options.container_log_files_max);
}

}  // namespace rik::detail
