// What runc must find in the root directory of a container before it mounts there.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace rik::detail {

/// Makes those of them in `tree`, an image's, where the image has nothing: once for all its containers. To make them in
/// an overlay copies the directory up and writes four files, for each. Errors: exhausted; internal.
result<void> furnish_tree(std::filesystem::path const& tree);

/// Makes the mount points of container_config in `root`, the mounted overlay, and the directories of the image's
/// volumes. Until runc has left the host's root it follows an image's symbolic links there, so /dev, /proc and /sys are
/// made real directories, and hosts, hostname and resolv.conf regular files; what the image has in their place is
/// hidden, as Docker does.   Source: runc 1.1, libcontainer/rootfs_linux.go, setupPtmx and setupDevSymlinks
/// Errors: invalid, the image has something else in a place that cannot be cleared; exhausted; internal.
result<void> furnish_root(std::filesystem::path const& root, std::vector<std::string> const& volumes);

}  // namespace rik::detail
