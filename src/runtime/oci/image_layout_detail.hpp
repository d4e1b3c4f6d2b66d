// Reads OCI image layouts: index, manifest, configuration. All of it may come from strangers.
#pragma once

#include <rik/base/result.hpp>
#include <rik/runtime/images.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

inline constexpr std::size_t image_document_bytes_max = 4u << 20;
/// The tag of the one image in each of our layouts.
inline constexpr std::string_view layout_tag = "rik";

struct image_manifest {
    std::string config;               ///< digest
    std::vector<std::string> layers;  ///< digests
};

struct layout_image {
    std::string digest;  ///< of the manifest
    image_manifest manifest;
    std::string config_text;
};

/// The digest of the manifest with `layout_tag`. Errors: corrupt; not_found.
result<std::string> parse_image_index(std::string_view text);

/// Errors: corrupt; unsupported, it is no image manifest.
result<image_manifest> parse_image_manifest(std::string_view text);

/// Errors: corrupt; unsupported, it is for another system than Linux on `architecture`.   Source: image-spec, config.md
result<image_config> parse_image_config(std::string_view text, std::string_view architecture);

/// Reads and checks what `layout` says of its image, with blobs below `blobs` ("sha256/<hex>").
/// Errors: those above.
result<layout_image> read_image_layout(std::filesystem::path const& layout, std::filesystem::path const& blobs);

/// The digests of all blobs of `layout`, as far as it can be read; its manifest first.
std::vector<std::string> layout_blobs(std::filesystem::path const& layout, std::filesystem::path const& blobs);

/// Precondition: is_image_digest(digest).
std::filesystem::path blob_file(std::filesystem::path const& blobs, std::string_view digest);

/// The whole regular file. Errors: not_found; corrupt, it has more than `bytes_max`; internal.
result<std::string> read_small_file(std::filesystem::path const& file, std::size_t bytes_max);

/// "amd64", "arm64", ...: this machine's, as images and labels name it.   Source: go.dev, GOARCH
std::string machine_architecture();

}  // namespace rik::detail
