// The images of a machine: pulled with skopeo, unpacked with umoci, kept below the state directory.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/runtime/images.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

struct oci_images_options {
    /// Absolute, without ':' and ','. Everything is in its directory "images", which only one store may use at a time.
    std::filesystem::path state_directory;
    std::vector<std::string> insecure_registries = {};  ///< "host:port" of those that speak plain http or bad TLS
    /// Pulls and questions beyond these bounds wait, each in a queue of its own. All files together count as one
    /// registry.
    std::size_t pulls_per_registry_max = limits::pulls_per_registry_max;
    std::size_t questions_per_registry_max = limits::questions_per_registry_max;
    std::size_t pulls_at_once_max = limits::pulls_at_once_max;
    std::size_t unpacks_at_once_max = limits::unpacks_at_once_max;
    duration pull_timeout = limits::pull_timeout;
};

/// Names are "repo[:tag][@sha256:...]" of docker.io, "host[:port]/repo...", the same after "docker://",
/// "oci:/PATH[:TAG]" and "docker-archive:/PATH[:REFERENCE]".
///
/// Names that mean the same are one image: "nginx" is "docker.io/library/nginx:latest".
///
/// An image that this process was asked for before, and for which the registry need not be asked, costs one look at its
/// directory and no hop between threads. An image of a file costs a look at the file, which is done on the pool, so
/// that a file system that hangs holds up nothing else. A tree is trusted only if it has its mark, which is written
/// after everything in the tree was synced. An image whose blobs are all here is unpacked again without its registry.
///
/// Use it from the one strand that it was opened with. `stop` it before it is destroyed.
class oci_images final : public images {
public:
    /// Removes what an earlier process left half done. `pool` runs blocking work; `time` must outlive the store.
    /// Errors: invalid, the state directory's path; not_found, skopeo or umoci is not installed; internal.
    static result<std::unique_ptr<oci_images>> open(asio::any_io_executor strand, asio::any_io_executor pool,
                                                    clock& time, oci_images_options options, log logs);
    ~oci_images() override;

    /// Errors: those of `images`; corrupt, what the registry gave is damaged; internal.
    /// Cancel: the pull goes on as long as another caller waits for it, and is cancelled with the last one.
    awaitable<result<image_ptr>> ensure(std::string name, std::optional<image_pull_policy> policy) override;

    awaitable<result<std::vector<node_image>>> list_all_images() override;
    /// Errors: those of `images`. Cancel: what was loaded by then stays.
    awaitable<result<std::vector<node_image>>> load(load_images what) override;
    awaitable<result<void>> remove(image_removal what) override;

    /// Cancels all pulls. Callers that wait for them get errc::unavailable.
    awaitable<> stop();

    /// Removes all images of `state_directory`. What is mounted in it stays, and so do files that rik did not make.
    /// Errors: conflict, something is mounted in a part of it; internal.
    /// Precondition: no store has it open and nothing runs on its trees.
    static result<void> remove_all(std::filesystem::path const& state_directory);

private:
    struct impl;
    class departure;
    explicit oci_images(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
