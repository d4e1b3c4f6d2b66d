// The images of a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
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
    std::string name;            ///< as asked for
    std::string digest;          ///< "sha256:..." of its manifest
    std::filesystem::path tree;  ///< the unpacked root file system
    image_config config;
};

using image_ptr = std::shared_ptr<image const>;

class images {
public:
    virtual ~images() = default;

    /// The image, pulled first if it is not here. If it is, its registry is asked again only for the tag "latest" or
    /// none, once a minute at most; what is here serves if it is silent. Calls for the same name at once pull once.
    /// Errors: invalid, `name` is no image name; not_found, the registry does not have it; unavailable, the registry
    /// does not answer; denied; exhausted, the disk is full; unsupported, no image for this machine's architecture.
    virtual awaitable<result<image_ptr>> ensure(std::string name) = 0;
};

}  // namespace rik
