// Where the image tools find an image, and where the store keeps what it knows of it.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/image_name.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace rik::detail {

struct image_source {
    image_name name;
    std::string location;        ///< for skopeo: "docker://...", "oci:...", "docker-archive:..."
    std::string registry;        ///< "docker.io", "host:port"; empty for files
    std::filesystem::path file;  ///< what changes when a local image changes; empty for registries
    std::string key;             ///< a file name that stands for all names that mean the same, and no other
    std::string old_key;         ///< the one of this spelling alone, which rik 0.1 used
    bool is_floating = false;    ///< of a registry, and its tag is "latest" or missing
};

/// Takes whatever parse_image_name takes. Errors: invalid, the message begins with the name.
result<image_source> parse_image_source(std::string_view text);

}  // namespace rik::detail
