#include "volumes_detail.hpp"

#include "files_detail.hpp"
#include "in_root_detail.hpp"
#include "mounts_detail.hpp"
#include "unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

/// Whoever a container runs as may write.   Source: Kubernetes, emptyDir; a group owns it as of fsGroup.
constexpr mode_t volume_mode = 0777;

result<void> give_to_group(fs::path const& volume, std::optional<std::int64_t> group) {
    auto const mode = volume_mode | (group ? S_ISGID : 0);
    if (group && ::chown(volume.c_str(), 0, static_cast<gid_t>(*group)) != 0)
        return system_error(volume, "chown", errno);
    if (::chmod(volume.c_str(), mode) != 0) return system_error(volume, "chmod", errno);
    return {};
}

result<bool> make_new_directory(fs::path const& path) {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    if (errno == EEXIST) return false;
    return system_error(path, "mkdir", errno);
}

bool is_mount_point(fs::path const& path) {
    struct stat here {};
    struct stat above {};
    return ::stat(path.c_str(), &here) == 0 && ::stat(path.parent_path().c_str(), &above) == 0 &&
           here.st_dev != above.st_dev;
}

result<void> make_disk_volume(fs::path const& path, sandbox_request const& request) {
    auto const is_new = make_new_directory(path);
    if (!is_new) return is_new.error();
    return *is_new ? give_to_group(path, request.volume_group) : result<void>{};
}

result<void> make_memory_volume(fs::path const& path, std::int64_t bytes, sandbox_request const& request) {
    if (auto const made = make_new_directory(path); !made) return made.error();
    if (is_mount_point(path)) return {};
    auto const options = fmt::format("mode=0777,size={}", bytes);
    if (::mount("volume", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
        return system_error(path, "mount tmpfs", errno);
    return give_to_group(path, request.volume_group);
}

fs::path disk_volume(pod_paths const& pod, std::string const& name) { return pod.state / "volumes" / name; }
fs::path memory_volume(pod_paths const& pod, std::string const& name) { return pod.run / "volumes" / name; }

/// Whichever there is: containers are started without knowing what their volumes are.
result<fs::path> find_volume(pod_paths const& pod, std::string const& name) {
    for (auto const& each : {memory_volume(pod, name), disk_volume(pod, name)})
        if (::access(each.c_str(), F_OK) == 0) return each;
    return error{errc::invalid, fmt::format("volume {}: the Pod has none of this name", name), "volumeMounts"};
}

fs::path pins_of(container_paths const& container) { return container.bundle / "mounts"; }
fs::path pin_of(container_paths const& container, std::size_t index) {
    return pins_of(container) / std::to_string(index);
}

error cannot_mount(volume_mount const& mount, int number) {
    return error{errc::invalid,
                 fmt::format("volume {}: sub path {}: {}", mount.volume, mount.sub_path, std::strerror(number)),
                 "volumeMounts"};
}

/// Like mkdir -p within the volume, whose links cannot lead out of it.
result<unique_fd> open_sub_path(fs::path const& volume, volume_mount const& mount) {
    unique_fd const root(::open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat about {};
    if (!root || ::fstat(root.get(), &about) != 0) return system_error(volume, "open", errno);
    fs::path done = "/";
    for (auto const& part : fs::path(mount.sub_path).lexically_normal().relative_path()) {
        if (part.empty() || part == ".") continue;
        auto const parent = open_in_root(root, done.c_str(), O_PATH | O_DIRECTORY);
        if (!parent) return cannot_mount(mount, errno);
        if (::mkdirat(parent.get(), part.c_str(), 0700) == 0) {
            ::fchmodat(parent.get(), part.c_str(), about.st_mode & 07777, 0);  // whatever our umask
        } else if (errno != EEXIST) {
            return cannot_mount(mount, errno);
        }
        done /= part;
    }
    auto found = open_in_root(root, done.c_str(), O_PATH);
    if (!found) return cannot_mount(mount, errno);
    return found;
}

/// A file can be mounted on a file only.
result<void> make_place(fs::path const& place, unique_fd const& for_what) {
    struct stat about {};
    if (::fstat(for_what.get(), &about) != 0) return system_error(place, "stat", errno);
    if (S_ISDIR(about.st_mode)) {
        if (auto const made = make_new_directory(place); !made) return made.error();
        return {};
    }
    if (S_ISREG(about.st_mode)) return write_file(place, "");
    return error{errc::invalid, "it is neither a directory nor a regular file"};
}

result<void> pin(fs::path const& volume, volume_mount const& mount, fs::path const& place) {
    auto const found = open_sub_path(volume, mount);
    if (!found) return found.error();
    if (auto const made = make_place(place, *found); !made)
        return error{made.error().code,
                     fmt::format("volume {}: sub path {}: {}", mount.volume, mount.sub_path, made.error().message)};
    auto const source = fmt::format("/proc/thread-self/fd/{}", found->get());
    if (::mount(source.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return system_error(place, "mount", errno);
    return {};
}

}  // namespace

std::int64_t memory_volume_bytes(empty_dir const& volume, std::int64_t pod_limit_bytes, std::int64_t machine_bytes) {
    auto bytes = volume.bytes_max;
    if (bytes == 0 || (pod_limit_bytes > 0 && pod_limit_bytes < bytes)) bytes = pod_limit_bytes;
    return bytes > 0 ? bytes : machine_bytes / 2;
}

result<void> make_volumes(pod_paths const& paths, sandbox_request const& request, std::int64_t machine_bytes) {
    if (request.volumes.empty()) return {};
    for (auto const& each : {paths.state / "volumes", paths.run / "volumes"})
        if (auto const made = make_directories(each); !made) return made;
    for (auto const& each : request.volumes) {
        auto const& volume = std::get<empty_dir>(each.source);
        auto const bytes = memory_volume_bytes(volume, request.limits.get(resource::memory), machine_bytes);
        auto const made = volume.is_in_memory ? make_memory_volume(memory_volume(paths, each.name), bytes, request)
                                              : make_disk_volume(disk_volume(paths, each.name), request);
        if (!made) return made;
    }
    return {};
}

result<fs::path> source_of(pod_paths const& pod, container_paths const& container,
                           std::vector<volume_mount> const& mounts, std::size_t index) {
    if (!mounts[index].sub_path.empty()) return pin_of(container, index);
    return find_volume(pod, mounts[index].volume);
}

result<void> pin_sub_paths(pod_paths const& pod, container_paths const& container,
                           std::vector<volume_mount> const& mounts) {
    auto const has_sub_path = [](volume_mount const& each) { return !each.sub_path.empty(); };
    if (std::none_of(mounts.begin(), mounts.end(), has_sub_path)) return {};
    if (auto const made = make_new_directory(pins_of(container)); !made) return made.error();
    for (std::size_t index = 0; index < mounts.size(); ++index) {
        if (!has_sub_path(mounts[index])) continue;
        auto const volume = find_volume(pod, mounts[index].volume);
        if (!volume) return volume.error();
        if (auto const pinned = pin(*volume, mounts[index], pin_of(container, index)); !pinned) return pinned;
    }
    return {};
}

result<void> unpin_sub_paths(container_paths const& container) {
    if (::access(pins_of(container).c_str(), F_OK) != 0) return {};
    return unmount_below({pins_of(container)});
}

}  // namespace rik::detail
