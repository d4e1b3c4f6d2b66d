// The images that a node has, and what may be asked of them.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rik {

struct node_image {
    std::string digest;                   ///< "sha256:..." of its manifest
    std::vector<std::string> names = {};  ///< that mean it now, sorted; may be none
    std::int64_t size_bytes = 0;          ///< of its unpacked tree; 0: not known
    std::optional<wall_time> pulled_at = {};
    std::vector<std::string> used_by = {};  ///< names of the instances that have not ended, sorted
    std::string runtime = {};               ///< that has it: "oci", "microvm"; empty: the node is older
    friend bool operator==(node_image const&, node_image const&) = default;
};

struct list_images {};
/// Pulls as a start with imagePullPolicy Always does.
struct pull_image {
    std::string name;
};
/// A digest removes the image with all its names. A name removes that name, and the image only if it has no other.
struct remove_image {
    std::string name_or_digest;
};
/// Takes images from an archive or a layout on the node's machine: `docker save`, or OCI.
struct load_images {
    std::string path;       ///< absolute
    std::string name = {};  ///< for the one image in it; empty: the names that it has there
};
/// The answer to each is the images that it was about, as they are after the call; for `remove_image`, as they were
/// before.
using image_call = std::variant<list_images, pull_image, remove_image, load_images>;

std::string encode(std::vector<node_image> const& all);
/// Errors: corrupt, `text` is not what `encode` makes.
result<std::vector<node_image>> decode_node_images(std::string_view text);

}  // namespace rik
