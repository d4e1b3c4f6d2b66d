// The files of the image store. Everything here blocks: it runs on a pool.
#pragma once

#include "runtime/oci/image_layout_detail.hpp"
#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/images.hpp>

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

inline constexpr std::string_view image_tree_prefix = "tree2-";
inline constexpr std::string_view image_mark = "complete";

/// What is known of a name: an image on this machine, and the stamp of the file that it came from.
struct known_image {
    image_ptr what;
    std::string stamp;
};

/// An image that is to be unpacked anew: its tree is gone, or of an earlier form, and all that it is made from is here.
struct packed_image {
    std::string key;  ///< of its layout
    layout_image what;
    std::string stamp;
};

struct recollection {
    std::optional<known_image> known = {};
    std::optional<packed_image> packed = {};  ///< if it is not known
};

/// Below `root`: layouts/KEY, each an OCI layout with one image and a link to blobs/sha256, which all share;
/// tree2-HEX/{rootfs,config.json,complete} by manifest; names/KEY.json; tmp, emptied at the start; trash, emptied by
/// `empty_trash`. Trees of rik 0.1, sha256-HEX, were made with whatever umask rik had: they stay for the containers
/// that run on them, and for nobody else.
/// Copies are cheap; calls for different names may run at once.
class image_files {
public:
    explicit image_files(std::filesystem::path root) : root_(std::move(root)) {}

    /// Makes the directories, puts what is half done, or of an earlier form and not in use, into the trash, and
    /// collects the garbage of pulls that were cut off.
    result<void> open() const;
    /// Removes what this class and its tools have made, and the directory itself if it is empty then and no mount
    /// point.
    result<void> remove() const;

    std::filesystem::path blobs() const { return root_ / "blobs"; }
    std::filesystem::path scratch() const { return root_ / "tmp"; }
    std::filesystem::path trash() const { return root_ / "trash"; }
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
    /// Forgets what the name of this key was.
    void drop_record(std::string const& key) const;
    /// What is here of `name`, which `source` is of. A name with a digest is also here if another name of its
    /// repository was pulled with that digest.   Source: containerd, Kubernetes
    recollection recall(image_source const& source, std::string const& name) const;

    /// All whole trees, by digest.
    std::vector<node_image> list() const;
    /// Errors: not_found; conflict, a container has it mounted; internal.
    result<void> forget(image_removal const& what) const;
    /// Removes the layouts that no record is of, as a failed pull leaves them, with their blobs, and the blobs that no
    /// layout refers to and that came before `since`: a download that was cut off can go on with later ones. Returns
    /// true if such are left. Precondition: no pull is under way.
    bool collect_garbage(wall_time since) const;
    /// Deletes what was put there. What cannot be deleted, and what is left when it is stopped, stays for the next
    /// time.
    void empty_trash(std::stop_token const& stop) const;

    /// Errors: not_found, there is no whole tree; those of parse_image_config.
    result<image_ptr> load(std::string const& name, std::string const& digest) const;

private:
    recollection recall_by(std::string const& key, std::string const& name) const;
    std::optional<known_image> recall_by_digest(image_name const& of, std::string const& name) const;
    result<void> discard(std::filesystem::path const& path) const;
    bool is_mounted(std::filesystem::path const& tree) const;

    std::filesystem::path root_;
};

/// Differs when the file was written or replaced; empty for an empty path or a missing file.
std::string file_stamp(std::filesystem::path const& file);

}  // namespace rik::detail
