// What the image store has, and how it goes.
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/image_files_detail.hpp"
#include "runtime/oci/image_records_detail.hpp"
#include "runtime/oci/mounts_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

/// One file of names/.
struct name_record {
    std::string key;
    std::string name;
    std::string digest;
};

std::vector<name_record> read_records(fs::path const& names) {
    std::vector<name_record> all;
    for (auto const& file : entries_of(names)) {
        auto const record = read_object(file);
        all.push_back({file.stem().string(), text_of(record, "name"), text_of(record, "digest")});
    }
    return all;
}

std::optional<wall_time> time_of(fs::path const& file) {
    struct ::stat about {};
    if (::stat(file.c_str(), &about) != 0) return std::nullopt;
    return wall_time(std::chrono::seconds(about.st_mtim.tv_sec) +
                     std::chrono::microseconds(about.st_mtim.tv_nsec / 1000));
}

node_image read_tree(fs::path const& tree) {
    auto const hex = tree.filename().string().substr(image_tree_prefix.size());
    return node_image{.digest = fmt::format("sha256:{}", hex),
                      .size_bytes = number_of(read_object(tree / image_mark), "size_bytes"),
                      .pulled_at = time_of(tree / image_mark)};
}

/// The shortest of its spellings, which is the one that people know.
std::string shown_name(std::string const& name) {
    auto const parsed = parse_image_name(name);
    return parsed ? short_name(*parsed) : name;
}

bool is_same_repository(image_name const& one, std::string const& other) {
    auto const parsed = parse_image_name(other);
    if (!parsed || parsed->transport != image_transport::registry) return false;
    auto const repository_of = [](image_name name) {
        name.tag.clear();
        name.digest.clear();
        return short_name(name);
    };
    return repository_of(one) == repository_of(*parsed);
}

}  // namespace

std::vector<node_image> image_files::list() const {
    std::map<std::string, node_image> by_digest;
    for (auto const& each : entries_of(root_)) {
        auto const is_whole =
            each.filename().string().starts_with(image_tree_prefix) && ::access((each / image_mark).c_str(), F_OK) == 0;
        if (!is_whole) continue;
        auto found = read_tree(each);
        auto const digest = found.digest;
        by_digest.emplace(digest, std::move(found));
    }
    for (auto const& each : read_records(root_ / "names"))
        if (auto const found = by_digest.find(each.digest); found != by_digest.end())
            found->second.names.push_back(shown_name(each.name));
    std::vector<node_image> all;
    for (auto& [digest, image] : by_digest) {
        std::ranges::sort(image.names);
        auto const same = std::ranges::unique(image.names);
        image.names.erase(same.begin(), same.end());
        all.push_back(std::move(image));
    }
    std::ranges::stable_sort(all, {}, &node_image::names);
    return all;
}

std::optional<known_image> image_files::recall_by_digest(image_name const& of, std::string const& name) const {
    if (of.digest.empty() || !is_complete(of.digest)) return std::nullopt;
    auto const records = read_records(root_ / "names");
    auto const is_it = [&](auto const& each) { return each.digest == of.digest && is_same_repository(of, each.name); };
    if (std::ranges::none_of(records, is_it)) return std::nullopt;
    auto loaded = load(name, of.digest);
    if (!loaded) return std::nullopt;
    return known_image{std::move(*loaded), std::string()};
}

/// Names first: what is left after a crash has no name, and can be removed by its digest.
result<void> image_files::forget(image_removal const& what) const {
    if (!is_image_digest(what.digest) || !is_complete(what.digest))
        return error{errc::not_found, fmt::format("image {}: it is not on this node", what.digest)};
    auto records = read_records(root_ / "names");
    std::erase_if(records, [&](auto const& each) { return each.digest != what.digest; });
    auto const wanted = what.only_name.empty() ? std::string() : shown_name(what.only_name);
    auto const is_other = [&](auto const& each) { return !wanted.empty() && shown_name(each.name) != wanted; };
    auto const stays = std::ranges::any_of(records, is_other);
    if (!stays && is_mounted(tree(what.digest)))
        return error{errc::conflict, fmt::format("image {}: a container still has it mounted", what.digest), "",
                     "try again when that has ended"};
    for (auto const& each : records) {
        if (is_other(each)) continue;
        drop_record(each.key);
    }
    return stays ? result<void>() : discard(tree(what.digest));
}

void image_files::drop_record(std::string const& key) const {
    ::unlink((root_ / "names" / (key + ".json")).c_str());
    (void)remove_tree(layout(key));
}

/// A layout that an unfinished pull has changed is not what its record says: it is of no more use than one without.
bool image_files::collect_garbage(wall_time since) const {
    std::set<std::string> wanted;
    std::set<std::string> dropped;
    for (auto const& each : entries_of(root_ / "layouts")) {
        auto const record = read_object(root_ / "names" / (each.filename().string() + ".json"));
        auto const of_layout = layout_blobs(each, blobs());
        auto const is_known = !of_layout.empty() && of_layout.front() == text_of(record, "digest");
        if (!is_known) (void)remove_tree(each);
        for (auto const& digest : of_layout) (is_known ? wanted : dropped).insert(blob_file(blobs(), digest).string());
    }
    auto is_left = false;
    for (auto const& each : entries_of(blobs() / "sha256")) {
        if (wanted.contains(each.string())) continue;
        auto const goes = dropped.contains(each.string()) || time_of(each) < since;
        if (goes) ::unlink(each.c_str());
        is_left = is_left || !goes;
    }
    return is_left;
}

void image_files::empty_trash(std::stop_token const& stop) const {
    for (auto const& each : entries_of(trash())) {
        if (stop.stop_requested()) return;
        (void)remove_tree(each, stop);
    }
}

result<void> image_files::discard(fs::path const& path) const {
    auto place = (trash() / "gone-XXXXXX").string();
    if (::mkdtemp(place.data()) == nullptr) return system_error(trash(), "mkdtemp", errno);
    if (::rename(path.c_str(), (fs::path(place) / path.filename()).c_str()) == 0 || errno == ENOENT) return {};
    return system_error(path, "rename", errno);
}

bool image_files::is_mounted(fs::path const& tree) const {
    auto const lower = fmt::format("lowerdir={},", (tree / "rootfs").string());
    auto const mountinfo = read_mountinfo();
    if (!mountinfo) return true;  // nobody can tell
    auto const mounts = parse_mounts(*mountinfo);
    return std::ranges::any_of(mounts, [&](mount_entry const& each) {
        return each.type == "overlay" && (each.options + ",").find(lower) != std::string::npos;
    });
}

}  // namespace rik::detail
