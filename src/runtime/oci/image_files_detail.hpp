// The files of the image store. Everything here blocks: it runs on a pool.
#pragma once

#include "runtime/oci/image_layout_detail.hpp"
#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/images.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace rik::detail {

/// What is known of a name: an image on this machine, and the stamp of the file that it came from.
struct known_image {
    image_ptr what;
    std::string stamp;
};

/// Below `root`: layouts/KEY, each an OCI layout with one image and a link to blobs/sha256, which all share;
/// sha256-HEX/{rootfs,config.json,complete} by manifest; names/KEY.json; tmp, emptied at the start.
/// Copies are cheap; calls for different names may run at once.
class image_files {
public:
    explicit image_files(std::filesystem::path root) : root_(std::move(root)) {}

    /// Makes the directories and removes what is half done.
    result<void> open() const;
    /// Removes what this class and its tools have made, and the directory itself if it is empty then and no mount
    /// point.
    result<void> remove() const;

    std::filesystem::path blobs() const { return root_ / "blobs"; }
    std::filesystem::path scratch() const { return root_ / "tmp"; }
    std::filesystem::path layout(std::string_view key) const { return root_ / "layouts" / key; }
    std::filesystem::path tree(std::string_view digest) const;

    /// A layout that skopeo can copy into and umoci can read.
    result<void> prepare_layout(std::string const& key) const;
    /// Forgets a layout and its blobs, because one of them is damaged.
    void drop_layout(std::string const& key) const;

    bool is_complete(std::string_view digest) const;
    /// A new directory below `scratch`, for one pull.
    result<std::filesystem::path> make_scratch() const;
    /// Removes it, and what an interrupted copy left in the layout.
    void clean_up(std::filesystem::path const& made, std::string const& key) const;
    /// Makes `unpacked`, which has rootfs, the tree of `image`: synced, then marked, then moved to its place.
    result<void> publish(std::filesystem::path const& unpacked, layout_image const& from) const;

    /// Remembers across restarts what `name` is.
    result<void> remember(std::string const& key, std::string const& name, std::string const& digest,
                          std::string const& stamp) const;
    /// nullopt if `name` was never pulled or its tree is not whole.
    std::optional<known_image> recall(std::string const& key, std::string const& name) const;

    /// Errors: not_found, there is no whole tree; those of parse_image_config.
    result<image_ptr> load(std::string const& name, std::string const& digest) const;

private:
    std::filesystem::path root_;
};

/// Differs when the file was written or replaced; empty for an empty path or a missing file.
std::string file_stamp(std::filesystem::path const& file);

}  // namespace rik::detail
