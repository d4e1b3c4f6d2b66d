#include "overlay_probe_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr char const* kept_directory = "directory";  // of the lower layer
constexpr ::uid_t some_user = 1;

/// What failed, with its errno.
struct obstacle {
    std::string_view step;
    int number = 0;
};
using finding = std::optional<obstacle>;

/// Removed with all that is in it.
class scratch {
public:
    explicit scratch(fs::path path) : path_(std::move(path)) {}
    scratch(scratch const&) = delete;
    ~scratch() { (void)remove_tree(path_); }
    fs::path operator/(std::string_view name) const { return path_ / name; }

private:
    fs::path path_;
};

result<fs::path> make_scratch(fs::path const& directory) {
    auto const path = directory / probe_directory;
    if (auto const removed = remove_tree(path); !removed) return removed.error();
    if (::mkdir(path.c_str(), 0700) != 0) return system_error(path, "mkdir", errno);
    return path;
}

bool set(unique_fd const& context, char const* option, fs::path const& value) {
    return ::fsconfig(context.get(), FSCONFIG_SET_STRING, option, value.c_str(), 0) == 0;
}

/// With the options of mount_overlay. -1, with errno, if there can be none.   Source: man 2 fsopen (kernel 5.2)
unique_fd open_overlay(scratch const& place) {
    unique_fd const context(::fsopen("overlay", FSOPEN_CLOEXEC));
    auto const is_set = context && set(context, "lowerdir", place / "lower") &&
                        set(context, "upperdir", place / "upper") && set(context, "workdir", place / "work") &&
                        ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "volatile", nullptr, 0) == 0;
    if (!is_set || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return unique_fd();
    return unique_fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
}

/// Hides a directory of the image, puts another one there, and gives it to a user.
finding use_overlay(unique_fd const& root) {
    if (::unlinkat(root.get(), kept_directory, AT_REMOVEDIR) != 0) return obstacle{"remove a directory", errno};
    if (::mkdirat(root.get(), kept_directory, 0755) != 0) return obstacle{"replace a directory", errno};
    if (::fchownat(root.get(), kept_directory, some_user, some_user, 0) != 0) return obstacle{"chown", errno};
    struct stat about {};
    if (::fchmodat(root.get(), kept_directory, 01700, 0) != 0) return obstacle{"chmod", errno};
    if (::fstatat(root.get(), kept_directory, &about, 0) != 0) return obstacle{"stat", errno};
    auto const is_kept = about.st_uid == some_user && (about.st_mode & 07777) == 01700;
    return is_kept ? finding() : obstacle{"keep owner and mode", EINVAL};
}

finding try_overlay(scratch const& place) {
    for (auto const* each : {"lower", "upper", "work"})
        if (::mkdir((place / each).c_str(), 0755) != 0) return obstacle{"mkdir", errno};
    if (::mkdir((place / "lower" / kept_directory).c_str(), 0755) != 0) return obstacle{"mkdir", errno};
    auto const root = open_overlay(place);
    if (!root) return obstacle{"mount overlay", errno};
    return use_overlay(root);
}

/// The type of what is mounted there: of the mounts above `path`, the deepest, and of those the last.
std::string type_of(fs::path const& path) {
    auto const mountinfo = read_mountinfo();
    auto const mounts = mountinfo ? parse_mounts(*mountinfo) : std::vector<mount_entry>();
    mount_entry const* deepest = nullptr;
    for (auto const& each : mounts) {
        auto const is_above =
            each.mount_point == "/" || path == each.mount_point || path.native().starts_with(each.mount_point + '/');
        auto const is_deeper = deepest == nullptr || each.mount_point.size() >= deepest->mount_point.size();
        if (is_above && is_deeper) deepest = &each;
    }
    return deepest == nullptr ? "an unknown file system" : deepest->type;
}

error unusable(fs::path const& directory, obstacle const& met) {
    if (met.number == ENODEV)
        return error{errc::unsupported, "the kernel has no overlay file system", {}, "load it: modprobe overlay"};
    auto found = system_error(directory, met.step, met.number);
    if (found.code == errc::exhausted || met.number == EPERM) return found;
    return error{errc::unsupported,
                 fmt::format("{}: it is on {}, on which no container can write ({}: {})", directory.string(),
                             type_of(directory), met.step, std::strerror(met.number)),
                 {},
                 "choose a directory on ext4, xfs, btrfs or a tmpfs as --state-dir; in a container, one of a volume"};
}

}  // namespace

result<void> check_overlay(fs::path const& directory) {
    auto const made = make_scratch(directory);
    if (!made) return made.error();
    scratch const place(*made);
    auto const met = try_overlay(place);
    return met ? result<void>(unusable(directory, *met)) : result<void>();
}

}  // namespace rik::detail
