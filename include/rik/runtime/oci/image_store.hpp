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
    /// Absolute, without ':' and ','. Everything is below its "images" directory, which one store at a time uses.
    std::filesystem::path state_directory;
    std::vector<std::string> insecure_registries = {};  ///< "host:port" of those that speak plain http or bad TLS
    /// Files count as one registry. More wait; questions wait apart from pulls.
    std::size_t pulls_per_registry_max = limits::pulls_per_registry_max;
    std::size_t questions_per_registry_max = limits::questions_per_registry_max;
    std::size_t pulls_at_once_max = limits::pulls_at_once_max;
    std::size_t unpacks_at_once_max = limits::unpacks_at_once_max;
    duration pull_timeout = limits::pull_timeout;
};

/// Names are "repo[:tag][@sha256:...]" of docker.io, "host[:port]/repo...", the same after "docker://",
/// "oci:/PATH[:TAG]" and "docker-archive:/PATH[:REFERENCE]".
///
/// Names that mean the same are one: "nginx" is "docker.io/library/nginx:latest".
///
/// An image that was asked for in this process, and of which the registry need not be asked, costs no file work but a
/// look at its directory, and no hop between threads; one of a file costs a look at it on the pool, so that a file
/// system that hangs holds up nothing else. A tree is trusted only if its mark is there, which is written after
/// everything in it was synced; one whose blobs are all here is unpacked again without its registry.
///
/// Use it from the one strand that it was opened with. `stop` it before it is destroyed.
class oci_images final : public images {
public:
    /// Removes what an earlier process left half done. `pool` runs blocking work; `time` must outlive the store.
    /// Errors: invalid, the state directory's path; not_found, skopeo or umoci is not installed; internal.
    static result<std::unique_ptr<oci_images>> open(asio::any_io_executor strand, asio::any_io_executor pool,
                                                    clock& time, oci_images_options options, log logs);
    ~oci_images() override;

    /// Errors: those of `images`, and corrupt, what the registry gave is damaged; internal.
    /// Cancel: only this caller leaves; the pull goes on as long as another waits for it, and is cancelled with the
    /// last.
    awaitable<result<image_ptr>> ensure(std::string name, std::optional<image_pull_policy> policy) override;

    awaitable<result<std::vector<held_image>>> list_held() override;
    /// Errors: those of `images`. Cancel: what was taken by then stays.
    awaitable<result<std::vector<held_image>>> load(load_images what) override;
    awaitable<result<void>> remove(image_removal what) override;

    /// Cancels all pulls; who waits for them gets errc::unavailable.
    awaitable<> stop();

    /// Removes all images of `state_directory`. What is mounted in it, and files of others, stay.
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
