#include "runtime/oci/image_files_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/image_records_detail.hpp"
#include "runtime/oci/process_scan_detail.hpp"
#include "runtime/oci/rootfs_detail.hpp"

#include <rik/base/make_directories.hpp>
#include <rik/base/shortage.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::string_view old_tree_prefix = "sha256-";
constexpr std::array<std::string_view, 5> parts{"blobs", "layouts", "names", "tmp", "trash"};  // and the trees
constexpr std::string_view interrupted_copy = "oci-put-blob";  // skopeo's temporary files

error file_error(fs::path const& file, int number) {
    auto problem = system_failure(file.string(), number);
    if (number == ENOSPC || number == EDQUOT) problem.remedy = "make room on the file system of rik's state directory";
    return problem;
}

error file_error(fs::path const& file, std::error_code const& failure) { return file_error(file, failure.value()); }

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

result<void> sync_directory(fs::path const& directory) {
    auto const descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto const synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    auto const number = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!synced) return file_error(directory, number);
    return {};
}

result<void> write_synced(fs::path const& file, std::string_view text) {
    auto const descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    auto const written = descriptor >= 0 && write_all(descriptor, text) && ::fsync(descriptor) == 0;
    auto const number = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!written) return file_error(file, number);
    return {};
}

/// Everything that was written below `directory` is on the disk when this returns.
result<void> sync_tree(fs::path const& directory) {
    auto const descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto const synced = descriptor >= 0 && ::syncfs(descriptor) == 0;
    auto const number = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!synced) return file_error(directory, number);
    return {};
}

void remove_interrupted_copies(fs::path const& layout) {
    for (auto const& each : entries_of(layout)) {
        if (each.filename().string().starts_with(interrupted_copy)) ::unlink(each.c_str());
    }
}

}  // namespace

fs::path image_files::tree(std::string_view digest) const {
    return root_ / fmt::format("{}{}", image_tree_prefix, digest.substr(digest.find(':') + 1));
}

result<void> image_files::open() const {
    kill_image_tools(root_);  // those of a store that was killed
    // What cannot be removed now is in nobody's way, and is tried again at the next start. The directory itself stays:
    // on a full disk another one could not be made.
    for (auto const& each : entries_of(scratch())) (void)remove_tree(each);
    std::error_code failure;
    for (auto const& each : entries_of(root_ / "layouts")) remove_interrupted_copies(each);
    for (auto const& each : {blobs() / "sha256", root_ / "layouts", root_ / "names", scratch(), trash()}) {
        failure = rik::make_directories(each);
        if (failure) return file_error(each, failure);
    }
    // Images may hold secrets and setuid programs: only root gets in.
    fs::permissions(root_, fs::perms::owner_all, failure);
    if (failure) return file_error(root_, failure);
    for (auto const& each : entries_of(root_)) {
        auto const name = each.filename().string();
        auto const is_half = name.starts_with(image_tree_prefix) && ::access((each / image_mark).c_str(), F_OK) != 0;
        if (is_half || (name.starts_with(old_tree_prefix) && !is_mounted(each))) (void)discard(each);
    }
    (void)collect_garbage(wall_time::max());
    return {};
}

/// By name: the directory may be a disk of its own on which there is something else, too.
result<void> image_files::remove() const {
    kill_image_tools(root_);
    std::error_code failure;
    fs::directory_iterator const is_readable(root_, failure);
    if (failure && failure != std::errc::no_such_file_or_directory) return file_error(root_, failure);
    for (auto const& each : entries_of(root_)) {
        auto const name = each.filename().string();
        auto const is_ours = std::find(parts.begin(), parts.end(), name) != parts.end();
        if (!is_ours && !name.starts_with(image_tree_prefix) && !name.starts_with(old_tree_prefix)) continue;
        if (auto const removed = remove_tree(each); !removed) return removed;
    }
    if (::rmdir(root_.c_str()) == 0) return {};
    for (auto const stays : {ENOENT, ENOTEMPTY, EBUSY, ENOTDIR})  // the last: it is a link to another place
        if (errno == stays) return {};
    return file_error(root_, errno);
}

result<void> image_files::prepare_layout(std::string const& key) const {
    auto const link = layout(key) / "blobs" / "sha256";
    std::error_code failure;
    failure = rik::make_directories(link.parent_path());
    if (failure) return file_error(link, failure);
    remove_interrupted_copies(layout(key));
    // umoci looks for the shared blobs inside the layout. Relative, so that the state directory can be moved.
    fs::create_directory_symlink("../../../blobs/sha256", link, failure);
    if (failure && failure != std::errc::file_exists) return file_error(link, failure);
    return {};
}

void image_files::drop_layout(std::string const& key) const {
    std::error_code ignored;
    for (auto const& each : layout_blobs(layout(key), blobs())) fs::remove(blob_file(blobs(), each), ignored);
    [[maybe_unused]] auto const removed = remove_tree(layout(key));  // a part of it is as good as nothing
}

bool image_files::is_complete(std::string_view digest) const {
    return ::access((tree(digest) / image_mark).c_str(), F_OK) == 0;
}

result<fs::path> image_files::make_scratch() const {
    std::string name = scratch() / "pull-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return file_error(scratch(), errno);
    return fs::path(name);
}

void image_files::clean_up(fs::path const& made, std::string const& key) const {
    [[maybe_unused]] auto const removed = remove_tree(made);  // else at the next start
    remove_interrupted_copies(layout(key));
}

result<void> image_files::publish(fs::path const& unpacked, layout_image const& from) const {
    if (auto const done = write_synced(unpacked / "config.json", from.config_text); !done) return done;
    if (auto const done = furnish_tree(unpacked / "rootfs"); !done) return done;
    if (auto const done = sync_tree(unpacked); !done) return done;
    json::object const about{{"digest", from.digest}, {"size_bytes", bytes_of_tree(unpacked / "rootfs")}};
    if (auto const done = write_synced(unpacked / image_mark, json::serialize(about)); !done) return done;
    if (auto const done = sync_directory(unpacked); !done) return done;
    auto const place = tree(from.digest);
    std::error_code failure;
    fs::rename(unpacked, place, failure);
    if (failure && !is_complete(from.digest)) {  // something without a mark is in the way
        if (auto const removed = remove_tree(place); !removed) return removed;
        fs::rename(unpacked, place, failure);
    }
    // Another name with the same image may have been faster: its tree is as good.
    if (failure && !is_complete(from.digest)) return file_error(place, failure);
    return sync_directory(root_);
}

result<void> image_files::remember(std::string const& key, std::string const& name, std::string const& digest,
                                   std::string const& stamp) const {
    json::object const record{{"name", name}, {"digest", digest}, {"stamp", stamp}};
    auto const file = root_ / "names" / (key + ".json");
    auto const fresh = scratch() / (key + ".json");
    if (auto const done = write_synced(fresh, json::serialize(record)); !done) return done;
    std::error_code failure;
    fs::rename(fresh, file, failure);
    if (failure) return file_error(file, failure);
    return sync_directory(file.parent_path());
}

recollection image_files::recall(image_source const& source, std::string const& name) const {
    auto found = recall_by(source.key, name);
    if (!found.known && !found.packed && source.old_key != source.key) found = recall_by(source.old_key, name);
    if (!found.known && !found.packed) found.known = recall_by_digest(source.name, name);
    return found;
}

recollection image_files::recall_by(std::string const& key, std::string const& name) const {
    auto const record = read_object(root_ / "names" / (key + ".json"));
    auto const digest = text_of(record, "digest");
    auto const stamp = text_of(record, "stamp");
    if (digest.empty()) return {};
    if (auto loaded = load(name, digest)) return {.known = known_image{std::move(*loaded), stamp}};
    auto packed = read_image_layout(layout(key), blobs());
    if (!packed || packed->digest != digest) return {};
    return {.packed = packed_image{key, std::move(*packed), stamp}};
}

result<image_ptr> image_files::load(std::string const& name, std::string const& digest) const {
    if (!is_image_digest(digest) || !is_complete(digest)) return error{errc::not_found, "it is not on this machine"};
    auto const text = read_small_file(tree(digest) / "config.json", image_document_bytes_max);
    if (!text) return text.error();
    auto config = parse_image_config(*text, machine_architecture());
    if (!config) return config.error();
    return std::make_shared<image const>(image{name, digest, tree(digest) / "rootfs", std::move(*config)});
}

std::string file_stamp(fs::path const& file) {
    struct ::stat about {};
    if (file.empty() || ::stat(file.c_str(), &about) != 0) return {};
    return fmt::format("{}.{:09}-{}-{}", about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_size, about.st_ino);
}

}  // namespace rik::detail
