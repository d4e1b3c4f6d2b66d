#include "container_log_detail.hpp"

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

std::optional<log_file> open_log_file(std::filesystem::path const& path) {
    log_file opened{.file = unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))};
    struct statx about {};
    if (!opened.file || ::statx(opened.file.get(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &about) != 0) return {};
    opened.inode = about.stx_ino;
    opened.born = std::chrono::seconds(about.stx_btime.tv_sec) + std::chrono::nanoseconds(about.stx_btime.tv_nsec);
    return opened;
}

}  // namespace

std::vector<log_file> open_log_files(container_paths const& paths, std::size_t files_max) {
    std::vector<log_file> found;
    auto const add = [&](std::filesystem::path const& path) {
        auto opened = open_log_file(path);
        if (!opened) return;
        auto const is_same = [&](log_file const& each) { return each.inode == opened->inode; };
        if (std::ranges::none_of(found, is_same)) found.push_back(std::move(*opened));
    };
    add(paths.log);
    add(kept_log(paths.log));
    for (std::size_t rotation = 1; rotation < files_max; ++rotation) add(rotated_log(paths.log, rotation));
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
    for (std::size_t rotation = 0; rotation < files_max; ++rotation) {
        ::unlink(rotated_log(paths.log, rotation).c_str());
    }
}

}  // namespace rik::detail
