// What is in an archive of images, as its table of contents says.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/node_image.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// An image in an archive: where skopeo finds it, and what it is called there.
struct archived_image {
    std::string location;            ///< "docker-archive:/x.tar:app:1"
    std::vector<std::string> names;  ///< that may stand in a definition; none: it must be given one
    std::string reference = {};      ///< what the archive calls it, for messages
};

/// `manifest` is the manifest.json of what `docker save` wrote.
/// Errors: corrupt; unsupported, there is no image in it.   Source: moby's image/spec, "Combined Image JSON +
/// Filesystem"
result<std::vector<archived_image>> read_docker_archive(std::filesystem::path const& archive,
                                                        std::string_view manifest);

/// `index` is the index.json of an OCI layout; `transport` is oci or oci-archive.
/// Errors: as above.   Source: image-spec, image-layout.md and annotations.md
result<std::vector<archived_image>> read_oci_index(std::string_view transport, std::filesystem::path const& path,
                                                   std::string_view index);

/// One image to be taken, by one name.
struct load_step {
    std::string location;
    std::string name;
};

/// Errors: invalid, a name cannot stand in a definition, or one is given and there are several images; unsupported, an
/// image has no name and none is given.
result<std::vector<load_step>> plan_load(std::vector<archived_image> const& found, load_images const& what);

}  // namespace rik::detail
