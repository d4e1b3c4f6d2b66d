#include "files_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr int rounds_max = 10;  // somebody else may write there, too
constexpr int depth_max = 32;   // directories that are open at once; what is deeper is moved up

/// A bind mount of the same file system is a mount point like others, so the device does not tell.
/// Source: man openat2, RESOLVE_NO_XDEV
unique_fd open_unless_mounted(int parent, char const* name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    return unique_fd(static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof how)));
}

struct close_listing {
    void operator()(DIR* listing) const { ::closedir(listing); }
};
using listing = std::unique_ptr<DIR, close_listing>;

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

/// Of one tree. Each function returns 0 or an errno.
class removal {
public:
    explicit removal(std::stop_token stop) : stop_(std::move(stop)) {}

    int remove(int parent, char const* name, int depth) {
        if (stop_.stop_requested()) return ECANCELED;
        if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
        if (errno != EISDIR) return errno;
        if (depth == depth_max) return move_up(parent, name);
        auto directory = open_unless_mounted(parent, name);
        if (!directory) return errno == ENOENT ? 0 : errno;
        if (depth == 0) top_ = directory.get();
        listing const entries(::fdopendir(directory.get()));
        if (!entries) return errno;
        directory.release();
        for (int round = 0; round < rounds_max; ++round) {
            auto const moved = moved_;
            if (auto const failure = empty(entries.get(), depth)) return failure;
            if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
            if (errno != ENOTEMPTY && errno != EEXIST) return errno;
            if (moved != moved_) round = 0;  // not somebody else's doing
        }
        return ENOTEMPTY;
    }

private:
    int empty(DIR* entries, int depth) {
        ::rewinddir(entries);
        while (auto const* each = ::readdir(entries)) {
            if (is_dots(each->d_name)) continue;
            if (auto const failure = remove(::dirfd(entries), each->d_name, depth + 1)) return failure;
        }
        return 0;
    }

    /// A container may nest directories as deep as it likes; we have some hundred descriptors.
    int move_up(int parent, char const* name) {
        do {
            auto const place = fmt::format("deep-{}", moved_++);
            if (::renameat2(parent, name, top_, place.c_str(), RENAME_NOREPLACE) == 0) return 0;
        } while (errno == EEXIST);
        return errno;
    }

    std::stop_token stop_;
    int top_ = -1;
    std::uint64_t moved_ = 0;
};

}  // namespace

result<void> remove_tree(std::filesystem::path const& path, std::stop_token stop) {
    RIK_ASSERT(path.has_filename() && path.has_parent_path());
    unique_fd const parent(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent && errno == ENOENT) return {};
    if (!parent) return system_error(path, "open", errno);
    auto const failure = removal(std::move(stop)).remove(parent.get(), path.filename().c_str(), 0);
    if (failure == 0) return {};
    if (failure == EXDEV || failure == EBUSY) {
        return error{errc::conflict, fmt::format("{}: something is mounted in it", path.string()), {}, "unmount it"};
    }
    if (failure == ENOTEMPTY) return error{errc::conflict, fmt::format("{}: somebody writes to it", path.string())};
    return system_error(path, "remove", failure);
}

}  // namespace rik::detail
