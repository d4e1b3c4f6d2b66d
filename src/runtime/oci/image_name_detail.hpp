// What an image's name means.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace rik::detail {

struct image_source {
    std::string location;             ///< for skopeo: "docker://...", "oci:...", "docker-archive:..."
    std::string registry = {};        ///< "docker.io", "host:port"; empty for files
    std::string repository = {};      ///< without the registry; empty for files
    std::string tag = {};             ///< or what follows the path of a file; may be empty
    std::filesystem::path path = {};  ///< of a local image, as it was given
    std::filesystem::path file = {};  ///< what changes when a local image changes; empty for registries
    std::string key = {};             ///< a file name that stands for this name alone
    bool is_floating = false;         ///< of a registry, and its tag is "latest" or missing
};

/// Errors: invalid, `name` is none of the forms that `oci_images` takes.
/// Source: the reference grammar of distribution; containers-transports(5).
result<image_source> parse_image_name(std::string_view name);

/// "sha256:" and 64 hex digits in lower case; nothing else may become part of a path.
bool is_digest(std::string_view text);

}  // namespace rik::detail
