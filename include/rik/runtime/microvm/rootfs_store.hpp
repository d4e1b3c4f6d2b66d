// Root file systems of machines: fetched once, told by what they are, kept as files that are only read.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/runtime/images.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace rik {

struct rootfs_store_options {
    std::filesystem::path state_directory;  ///< "/var/lib/rik/microvm/images": its own
    /// For names "oci:..." and "docker://...", whose trees become root file systems; must outlive the store. Null: such
    /// names are unsupported.
    images* containers = nullptr;
    std::int64_t download_bytes_max = std::int64_t{8} << 30;
    std::int64_t unpacked_bytes_max = std::int64_t{16} << 30;
    duration download_time_max = std::chrono::minutes(30);
    duration build_time_max = std::chrono::minutes(10);
    /// A server that sends less than a kibibyte a second for so long is given up.
    duration stall_time_max = std::chrono::seconds(30);
};

/// Names are "http://...", "https://...", "file:/PATH", "/PATH", and those of container images after "oci:" or
/// "docker://". Any of the first four may end in "@sha256:HEX": then the file must have that digest, and once it is
/// here nobody is asked for it again.
///
/// What a file is, its content says: a file system ext4, or an archive of tar, as it is or packed by gzip, zstd or xz.
/// Everything else is refused, disk images of other forms above all: those can name files of this machine.
///
/// `image::tree` is the file of a file system, and `image::digest` that of the file that was fetched. An archive
/// becomes a file system of its size and some room. Nothing of this is ever mounted here.
///
/// Use it from the one strand that it was opened with. `stop` it before it is destroyed.
class rootfs_store final : public images {
public:
    /// Removes what an earlier process left half done. `pool` runs blocking work; `time` must outlive the store.
    /// Errors: not_found, a program that this needs is not installed (curl, mke2fs); internal.
    static result<std::unique_ptr<rootfs_store>> open(asio::any_io_executor strand, asio::any_io_executor pool,
                                                      clock& time, rootfs_store_options options, log logs);
    ~rootfs_store() override;

    /// The policy nullopt is as that of a floating tag: the server is asked whether the file is still the same (ETag),
    /// a file is looked at; if neither is there, what is here serves, with a warning. A name with a digest is fetched
    /// once. Errors: those of `images`; corrupt, the file is cut off, damaged, or another one than its digest says;
    /// unsupported, it is no root file system; timed_out.
    awaitable<result<image_ptr>> ensure(std::string name, std::optional<image_pull_policy> policy) override;

    awaitable<result<std::vector<node_image>>> list_all_images() override;
    /// Takes a file of this machine. Errors: those of `ensure`.
    awaitable<result<std::vector<node_image>>> load(load_images what) override;
    awaitable<result<void>> remove(image_removal what) override;

    /// Cancels all that goes on.
    awaitable<> stop();

    /// Removes everything of `state_directory`. Precondition: no store has it open.
    static result<void> remove_all(std::filesystem::path const& state_directory);

private:
    struct impl;
    explicit rootfs_store(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
