#include "rootfs_detail.hpp"

#include "files_detail.hpp"
#include "in_root_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::array files_of_etc{"hosts", "hostname", "resolv.conf"};

/// The file type of `name`, whose links are not followed; nothing (0) if it is not there.
mode_t type_of(unique_fd const& directory, char const* name) {
    struct stat about {};
    return ::fstatat(directory.get(), name, &about, AT_SYMLINK_NOFOLLOW) == 0 ? about.st_mode & S_IFMT : 0;
}

error in_the_way(std::string_view path, int number) {
    return error{errc::invalid, fmt::format("the image's {} is in the way: {}", path, std::strerror(number))};
}

/// Of a file or an empty directory.
result<void> clear(unique_fd const& directory, char const* name, mode_t type) {
    if (type == 0 || ::unlinkat(directory.get(), name, type == S_IFDIR ? AT_REMOVEDIR : 0) == 0) return {};
    return in_the_way(name, errno);
}

result<void> make_directory(unique_fd const& parent, char const* name) {
    if (::mkdirat(parent.get(), name, 0755) != 0) return system_error(name, "mkdir", errno);
    ::fchmodat(parent.get(), name, 0755, 0);  // whatever our umask
    return {};
}

result<void> make_real_directory(unique_fd const& root, char const* name) {
    auto const type = type_of(root, name);
    if (type == S_IFDIR) return {};
    if (auto const cleared = clear(root, name, type); !cleared) return cleared;
    return make_directory(root, name);
}

result<void> make_regular_file(unique_fd const& directory, char const* name) {
    auto const type = type_of(directory, name);
    if (type == S_IFREG) return {};
    if (auto const cleared = clear(directory, name, type); !cleared) return cleared;
    unique_fd const made(::openat(directory.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!made) return system_error(name, "open", errno);
    ::fchmod(made.get(), 0644);  // whatever our umask
    return {};
}

/// A link that stays within the root is the image's own affair; one that leads nowhere is not kept.
result<void> make_etc(unique_fd const& root) {
    auto etc = open_in_root(root, "etc", O_PATH | O_DIRECTORY);
    if (!etc) {
        if (auto const made = make_real_directory(root, "etc"); !made) return made;
        etc = open_in_root(root, "etc", O_PATH | O_DIRECTORY);
    }
    if (!etc) return system_error("etc", "open", errno);
    for (auto const* each : files_of_etc) {
        if (auto const made = make_regular_file(etc, each); !made) return made;
    }
    return {};
}

/// Like mkdir -p, in the container's view.
result<void> make_volume(unique_fd const& root, std::string const& volume) {
    std::filesystem::path done = "/";
    for (auto const& part : std::filesystem::path(volume).lexically_normal().relative_path()) {
        if (part.empty()) continue;  // a slash at the end
        auto const parent = open_in_root(root, done.c_str(), O_PATH | O_DIRECTORY);
        if (!parent) return in_the_way(done.native(), errno);
        if (type_of(parent, part.c_str()) == 0) {
            if (auto const made = make_directory(parent, part.c_str()); !made) return made;
        }
        done /= part;
    }
    if (!open_in_root(root, done.c_str(), O_PATH | O_DIRECTORY)) return in_the_way(volume, errno);
    return {};
}

}  // namespace

result<void> furnish_tree(std::filesystem::path const& tree) {
    unique_fd const root(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return system_error(tree, "open", errno);
    for (auto const* each : {"dev", "proc", "sys", "etc"}) {
        if (type_of(root, each) != 0) continue;
        if (auto const made = make_directory(root, each); !made) return made;
    }
    auto const etc = open_in_root(root, "etc", O_PATH | O_DIRECTORY);
    if (!etc) return {};
    for (auto const* each : files_of_etc) {
        if (type_of(etc, each) != 0) continue;
        if (auto const made = make_regular_file(etc, each); !made) return made;
    }
    return {};
}

result<void> furnish_root(std::filesystem::path const& root, std::vector<std::string> const& volumes) {
    unique_fd const opened(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return system_error(root, "open", errno);
    for (auto const* each : {"dev", "proc", "sys"}) {
        if (auto const made = make_real_directory(opened, each); !made) return made;
    }
    if (auto const made = make_etc(opened); !made) return made;
    for (auto const& each : volumes) {
        if (auto const made = make_volume(opened, each); !made) return made;
    }
    return {};
}

}  // namespace rik::detail
