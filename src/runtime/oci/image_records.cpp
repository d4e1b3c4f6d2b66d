#include "runtime/oci/image_records_detail.hpp"

#include "runtime/oci/image_layout_detail.hpp"

#include <boost/json/parse.hpp>

#include <set>
#include <system_error>

#include <sys/stat.h>

namespace rik::detail {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::int64_t block_unit_bytes = 512;  // of st_blocks, whatever the file system

}  // namespace

json::object read_object(fs::path const& file) {
    auto const text = read_small_file(file, image_document_bytes_max);
    if (!text) return {};
    boost::system::error_code failure;
    auto value = json::parse(*text, failure);
    return failure || !value.is_object() ? json::object() : std::move(value.get_object());
}

std::string text_of(json::object const& object, std::string_view name) {
    auto const* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(json::object const& object, std::string_view name) {
    auto const* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::vector<fs::path> entries_of(fs::path const& directory) {
    std::vector<fs::path> entries;
    std::error_code failure;
    for (auto it = fs::directory_iterator(directory, failure); !failure && it != fs::directory_iterator();
         it.increment(failure)) {
        entries.push_back(it->path());
    }
    return entries;
}

std::int64_t bytes_of_tree(fs::path const& tree) {
    std::int64_t total = 0;
    std::set<::ino_t> seen;  // of those that have several names
    std::error_code failure;
    for (fs::recursive_directory_iterator it(tree, failure), end; !failure && it != end; it.increment(failure)) {
        struct ::stat about {};
        if (::lstat(it->path().c_str(), &about) != 0) continue;
        if (!S_ISDIR(about.st_mode) && about.st_nlink > 1 && !seen.insert(about.st_ino).second) continue;
        total += about.st_blocks * block_unit_bytes;
    }
    return total;
}

}  // namespace rik::detail
