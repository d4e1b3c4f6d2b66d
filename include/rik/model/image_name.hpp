// The parts of an image's name.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace rik {

inline constexpr std::string_view image_name_remedy =
    "write [docker://][registry/]name[:tag][@sha256:digest], oci:/path[:tag] or docker-archive:/path[:reference]";

/// The limit of a whole name. A node names files after images (NAME_MAX, less a suffix). In these, characters other
/// than ASCII letters, digits and "._-@:/" take three bytes, so they count as three here, too.
inline constexpr std::size_t image_name_bytes_max = 240;

enum class image_transport { registry, oci_layout, docker_archive };

/// Parts that a name does not have are empty.
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

/// The one grammar of image names. Every place that accepts a name accepts exactly what this accepts.
/// Errors: invalid; the message does not repeat the name, which may be anything.
/// Source: the reference grammar of the distribution project; containers-transports(5).
result<image_name> parse_image_name(std::string_view text);

/// Returns a registry, "host" or "host:port" in lower case, from what people write. http:// or https:// may stand
/// before it. Errors: invalid, it is not a registry, or no image name can mean it; the message quotes the text.
result<std::string> parse_registry(std::string_view text);

/// Returns the shortest name that means the same; names are compared by it. It is without docker.io, its "library/",
/// and the tag "latest", and a name with a digest is without its tag. The name of a file stays whole.
std::string short_name(image_name const& of);

/// Returns true for a name of a registry whose tag is "latest" or missing: what it means is expected to change.
bool is_floating(image_name const& of);

/// Returns true for "sha256:" and 64 hexadecimal digits in lower case, the only digests that RIK knows. Nothing else
/// may become part of a path.
bool is_image_digest(std::string_view text);

}  // namespace rik
