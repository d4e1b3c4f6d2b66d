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

struct held_image {
    std::string digest;                   ///< "sha256:..." of its manifest
    std::vector<std::string> names = {};  ///< that mean it now, sorted; none once they mean others
    std::int64_t size_bytes = 0;          ///< of its unpacked tree; 0: not known
    std::optional<wall_time> pulled_at = {};
    std::vector<std::string> used_by = {};  ///< names of the instances that have not ended, sorted
    friend bool operator==(held_image const&, held_image const&) = default;
};

struct list_images {};
/// As a start with imagePullPolicy Always does it.
struct pull_image {
    std::string name;
};
/// By its digest with all its names; by a name the image only if it has no other.
struct remove_image {
    std::string name_or_digest;
};
/// Takes images from an archive or a layout on the node's machine: `docker save`, or OCI.
struct load_images {
    std::string path;       ///< absolute
    std::string name = {};  ///< for the one image in it; empty: the names that it has there
};
/// The answer to each: the images that it was about, as they are then; of `remove_image`, as they were.
using image_call = std::variant<list_images, pull_image, remove_image, load_images>;

std::string encode(std::vector<held_image> const& all);
/// Errors: corrupt, `text` is not what `encode` makes.
result<std::vector<held_image>> decode_held_images(std::string_view text);

}  // namespace rik
