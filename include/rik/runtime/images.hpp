// The images of a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/node_image.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

/// What an image says about running it.   Source: OCI image-spec, config.md
struct image_config {
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::vector<std::string> env;  ///< "NAME=value"
    std::string user;              ///< "", "uid", "name", "uid:gid", "name:group"
    std::string working_dir;
    std::string stop_signal;  ///< "", "SIGINT", "15"
    /// Directories that a container finds even if no layer has them; what it writes there is dropped with it.
    std::vector<std::string> volumes = {};
};

/// An image that is ready to run: unpacked, verified, read-only for everybody. The name "memory:..." of a simulation
/// has no tree.
struct image {
    std::string name;            ///< that it has, perhaps of another caller who asked at the same time
    std::string digest;          ///< "sha256:..." of its manifest
    std::filesystem::path tree;  ///< the unpacked root file system
    image_config config;
    std::string warning = {};  ///< for the user: why it may be an older one
};

using image_ptr = std::shared_ptr<image const>;

struct image_removal {
    std::string digest;
    std::string only_name = {};  ///< if it has others, only this name goes; empty: all
};

class images {
public:
    virtual ~images() = default;

    /// Returns the image that `name` means, and pulls it first if that is needed.
    ///
    /// The policy says when the registry is asked:
    /// - always: at each call. The image that is here is used if the registry says that nothing has changed. If the
    ///   registry is away, that is an error.
    /// - if_not_present: only for an image that is not here.
    /// - never: not at all.
    /// - nullopt: the tag decides. With the tag "latest" or no tag it is like always, except that the image that is
    ///   here is used, with a warning, if the registry is away. With any other tag or a digest it is like
    ///   if_not_present. A file on this machine is treated like a registry with the tag "latest".
    ///
    /// Concurrent calls for one name ask once. A call that begins after the registry was asked asks again.
    /// Source: Kubernetes, "Images", "Image pull policy".
    /// Errors: invalid, `name` is no image name; not_found, the registry does not have it, or the policy is never and
    /// it is not here; unavailable, the registry does not answer; denied; exhausted, the disk is full; unsupported, no
    /// image for this machine's architecture.
    virtual awaitable<result<image_ptr>> ensure(std::string name, std::optional<image_pull_policy> policy) = 0;

    /// Returns all images that are here, ordered by name. `used_by` is empty: the users are not known here.
    virtual awaitable<result<std::vector<node_image>>> list_all_images() = 0;

    /// Loads the images of an archive or layout on this machine, as if they had been pulled by the names that they have
    /// there.
    /// Errors: invalid, the path or the name; not_found, there is no such file; unsupported, it has no name and none is
    /// given, or it is no archive; corrupt; those of `ensure`.
    virtual awaitable<result<std::vector<node_image>>> load(load_images what) = 0;

    /// No later call of `ensure` gets this image. Its room on the disk is free soon after.
    /// Errors: not_found; conflict, a container has it mounted; internal.
    virtual awaitable<result<void>> remove(image_removal what) = 0;
};

}  // namespace rik
