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
    std::filesystem::path done;
    for (auto const& part : path) {
        done /= part;
        std::error_code ignored;
        if (part.empty() || std::filesystem::is_directory(done, ignored)) continue;
        if (auto const failure = make_directory(done)) return failure;
    }
    return {};
}

}  // namespace rik
