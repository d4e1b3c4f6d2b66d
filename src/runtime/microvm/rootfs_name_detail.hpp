// The names of root file systems: pure.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik::detail {

struct rootfs_source {
    enum class where : std::uint8_t { server, file, container_image } from = where::file;
    std::string location;     ///< a URL, a path, or the name of a container image
    std::string digest = {};  ///< "sha256:HEX" that it must have; empty: any
    friend bool operator==(rootfs_source const&, rootfs_source const&) = default;
};

/// Errors: invalid; unsupported, another scheme than those of rootfs_store.
result<rootfs_source> parse_rootfs_name(std::string_view name);

}  // namespace rik::detail
