// The parts of an image's name.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace rik {

inline constexpr std::string_view image_name_remedy =
    "write [docker://][registry/]name[:tag][@sha256:digest], oci:/path[:tag] or docker-archive:/path[:reference]";

/// Of a whole name. A node has files that are named after an image (NAME_MAX, less a suffix), where other characters
/// than ASCII letters, digits and "._-@:/" take three bytes; so they do here.
inline constexpr std::size_t image_name_bytes_max = 240;

enum class image_transport { registry, oci_layout, docker_archive };

/// What a name has no part of is empty.
struct image_name {
    image_transport transport = image_transport::registry;
    std::string registry = {};    ///< "host", "host:port"; empty means docker.io, or a file
    std::string repository = {};  ///< "team/app"
    std::string tag = {};
    std::string digest = {};     ///< see is_image_digest
    std::string path = {};       ///< of a file on the node: absolute, without "." and ".."
    std::string reference = {};  ///< what follows the path: the tag of a layout, the name of an archive's image

    friend bool operator==(image_name const&, image_name const&) = default;
};

/// The one grammar of image names: whoever takes a name takes what this takes.
/// Errors: invalid; the message does not repeat the name, which may be anything.
/// Source: the reference grammar of the distribution project; containers-transports(5).
result<image_name> parse_image_name(std::string_view text);

/// A registry, "host" or "host:port" in lower case, from what people write: http:// or https:// may stand before it.
/// Errors: invalid, it is none, or no name of an image can mean it; the message says the text.
result<std::string> parse_registry(std::string_view text);

/// "sha256:" and 64 hexadecimal digits in lower case: the only digests that RIK knows. Nothing else may become part of
/// a path.
bool is_image_digest(std::string_view text);

}  // namespace rik
