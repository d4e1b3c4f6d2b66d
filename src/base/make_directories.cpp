#include <rik/base/make_directories.hpp>

#include <cerrno>

#include <sys/stat.h>

namespace rik {

namespace {

constexpr ::mode_t usual_mode = 0755;

/// One whose parent is there.
std::error_code make_directory(std::filesystem::path const& path) {
    if (::mkdir(path.c_str(), usual_mode) == 0 && ::chmod(path.c_str(), usual_mode) == 0) return {};
    auto const number = errno;
    std::error_code ignored;
    if (number == EEXIST && std::filesystem::is_directory(path, ignored)) return {};
    return {number, std::generic_category()};
}

}  // namespace

std::error_code make_directories(std::filesystem::path const& path) {
    auto const failure = path.empty() ? std::error_code() : make_directory(path);
    auto const parent = path.parent_path();
    auto const lacks_parent = failure == std::errc::no_such_file_or_directory || failure == std::errc::not_a_directory;
    if (!lacks_parent || parent == path) return failure;
    if (auto const above = make_directories(parent)) return above;
    return make_directory(path);
}

}  // namespace rik
