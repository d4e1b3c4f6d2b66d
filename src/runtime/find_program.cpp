#include "find_program_detail.hpp"

#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace rik {

namespace {

struct package_of_program {
    std::string_view program;
    std::string_view package;
};

// Source: Debian 12, dpkg -S
constexpr std::array packages{
    package_of_program{"conmon", "conmon"}, package_of_program{"crun", "crun"},
    package_of_program{"ip", "iproute2"},   package_of_program{"nft", "nftables"},
    package_of_program{"runc", "runc"},     package_of_program{"skopeo", "skopeo"},
    package_of_program{"umoci", "umoci"},   package_of_program{"qemu-system-x86_64", "qemu-system-x86"},
};

constexpr std::string_view usual_directories = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_program(std::filesystem::path const& file) {
    std::error_code failure;
    return std::filesystem::is_regular_file(file, failure) && ::access(file.c_str(), X_OK) == 0;
}

std::filesystem::path find_in(std::string_view directories, std::string_view name) {
    while (!directories.empty()) {
        auto const end = std::min(directories.find(':'), directories.size());
        std::filesystem::path const directory(directories.substr(0, end));
        // A relative entry of PATH would make the answer depend on the working directory.
        if (directory.is_absolute() && is_program(directory / name)) return directory / name;
        directories.remove_prefix(std::min(end + 1, directories.size()));
    }
    return {};
}

std::string remedy_for(std::string_view name) {
    for (auto const& each : packages) {
        if (each.program == name) return fmt::format("apt install {}", each.package);
    }
    return {};
}

}  // namespace

result<std::filesystem::path> find_program(std::string_view name) {
    if (name.starts_with('/') && is_program(name)) return std::filesystem::path(name);
    if (!name.empty() && name.find('/') == name.npos) {
        auto const* path = std::getenv("PATH");
        auto found = find_in(path == nullptr ? "" : path, name);
        if (found.empty()) found = find_in(usual_directories, name);
        if (!found.empty()) return found;
    }
    return error{errc::not_found, fmt::format("program {}: it is not installed", name), "", remedy_for(name)};
}

result<std::filesystem::path> detail::find_own_program(std::filesystem::path const& given, own_program const& what) {
    if (!given.empty()) return find_program(given.native());
    std::error_code failure;
    auto beside = std::filesystem::read_symlink("/proc/self/exe", failure).parent_path() / what.name;
    if (!failure && is_program(beside)) return beside;
    if (auto found = find_program(what.name)) return found;
    return error{errc::not_found, fmt::format("program {}, which {}, is not beside rik", what.name, what.purpose), "",
                 std::string(what.remedy)};
}

}  // namespace rik
