// One pull: skopeo into a layout, a check of what came, umoci into a tree.
#pragma once

#include "runtime/oci/image_archive_detail.hpp"
#include "runtime/oci/image_files_detail.hpp"
#include "runtime/oci/image_source_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/async/clock.hpp>
#include <rik/async/keyed_limiter.hpp>
#include <rik/async/limiter.hpp>
#include <rik/runtime/oci/image_store.hpp>
#include <rik/runtime/process.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace rik::detail {

struct image_tools {
    std::filesystem::path skopeo;
    std::filesystem::path umoci;
};

struct known_digest {
    std::string digest;
    std::string stamp;
};

/// At most so many questions, downloads and unpackings as the options say run at once, of each registry and in all; the
/// others wait. Errors do not name the image.
class image_puller {
public:
    image_puller(asio::any_io_executor strand, asio::any_io_executor pool, clock& time, image_files files,
                 image_tools tools, oci_images_options options);

    image_files const& files() const { return files_; }

    /// The stamp that the file of a local image has now; empty if it is not there, or the image is none. It may be on a
    /// file system that hangs: those who look take turns as those who ask a registry do, and leave the pool's other
    /// threads alone.
    awaitable<std::string> stamp(image_source source);
    /// What is on this machine of `name`; unpacked anew if need be.
    awaitable<result<std::optional<known_image>>> recall(std::string name, image_source source);
    /// A stamp of what the name means in its registry now; another one when its tag was moved. The errors of `pull`.
    /// `begins` is called once its turn has come.
    awaitable<result<std::string>> ask(image_source source, std::function<void()> begins);
    /// Fetches `name`, and remembers it with `stamp`; not if it was fetched with that stamp meanwhile.
    awaitable<result<known_image>> pull(std::string name, image_source source, std::string stamp);

    /// What is in an archive or layout. Errors: not_found; unsupported; corrupt; internal.
    awaitable<result<std::vector<archived_image>>> look_into(std::filesystem::path archive);
    awaitable<std::vector<node_image>> list();
    /// Removes what a pull that ended badly has left; one that was cancelled cannot do so itself.
    awaitable<> collect_garbage();
    /// Errors: those of image_files::forget.
    awaitable<result<void>> forget(image_removal what);
    /// Deletes what was put into the trash.
    awaitable<> empty_trash(std::stop_token stop);

private:
    class work_mark;
    awaitable<work_mark> begin_work();
    awaitable<> collect_now();
    awaitable<result<known_image>> restore(std::string name, image_source source, packed_image from);
    awaitable<result<known_image>> fetch(std::string name, image_source source, std::string stamp);
    awaitable<result<known_image>> fetch_anew(std::string name, image_source source, std::string stamp);
    awaitable<result<known_image>> remember(std::string name, image_source source, known_digest what);
    awaitable<result<layout_image>> unpack_packed(packed_image from);
    /// The result of `work`; then nothing else of it is there, even if it was cancelled.
    awaitable<result<layout_image>> cleaned_up(std::filesystem::path scratch, std::string key,
                                               awaitable<result<layout_image>> work);
    awaitable<result<std::vector<archived_image>>> look_into_file(std::filesystem::path archive);
    awaitable<result<process_output>> read_member(std::filesystem::path archive, std::vector<std::string> members);
    /// `scratch` is a directory for this pull alone, where its tools have their temporary files.
    awaitable<result<layout_image>> copy_and_unpack(image_source source);
    awaitable<result<layout_image>> copy_and_unpack_in(std::filesystem::path scratch, image_source source,
                                                       keyed_limiter::ticket place);
    /// `place` is free again when it has ended.
    awaitable<result<layout_image>> copy(std::filesystem::path scratch, image_source source,
                                         keyed_limiter::ticket place);
    awaitable<result<layout_image>> unpack(std::filesystem::path scratch, std::string key, layout_image what);
    /// One that a signal has ended is run again, a few times.
    awaitable<result<process_output>> run_tool(command what);
    awaitable<result<process_output>> run_tool_once(command what);
    command tool(std::filesystem::path program, std::vector<std::string> arguments,
                 std::filesystem::path const& scratch) const;
    bool is_insecure(image_source const& source) const;

    asio::any_io_executor pool_;
    clock* time_;
    image_files files_;
    image_tools tools_;
    oci_images_options options_;
    // On the heap, so that this object can be moved. By registry; questions do not wait for downloads, which may take
    // minutes.
    std::unique_ptr<keyed_limiter> names_;  // one at a time asks for, or writes, what a name means
    std::unique_ptr<keyed_limiter> questions_;
    std::unique_ptr<keyed_limiter> downloads_;
    std::unique_ptr<limiter> looks_;  // at files, which may be on a file system that hangs
    std::unique_ptr<limiter> unpackings_;
    std::unique_ptr<limiter> beginnings_;  // one work begins at a time, and none while garbage is collected
    std::size_t work_count_ = 0;           // pulls and unpackings that are under way
    bool has_garbage_ = false;             // collected when nothing is under way
    bool keeps_cut_off_ = true;            // of it what a download that was cut off can go on with
};

}  // namespace rik::detail
