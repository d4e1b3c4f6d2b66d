#include "rootfs_name_detail.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::string_view digest_mark = "@sha256:";
constexpr std::size_t digest_hex_count = 64;
constexpr std::size_t name_bytes_max = 4096;

error is_wrong_name(std::string_view name, std::string_view why) {
    return error{errc::invalid, fmt::format("root file system {}: {}", name, why)};
}

bool is_lower_hex(char each) { return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f'); }
bool is_odd(char each) { return static_cast<unsigned char>(each) <= ' ' || each == 0x7f; }

bool is_url(std::string_view name) { return name.starts_with("http://") || name.starts_with("https://"); }

result<rootfs_source> without_digest(std::string_view name) {
    rootfs_source found;
    if (is_url(name)) {
        found.from = rootfs_source::where::server;
        found.location = name;
        auto const host = name.substr(name.find("://") + 3);
        if (host.empty() || host.front() == '/') return is_wrong_name(name, "it names no server");
        return found;
    }
    auto const path = name.starts_with("file://") ? name.substr(7) : name.starts_with("file:") ? name.substr(5) : name;
    if (path.starts_with('/')) {
        found.location = path;
        return found;
    }
    if (name.find(':') != name.npos && !name.starts_with("file:"))
        return error{errc::unsupported,
                     fmt::format("root file system {}: its scheme is not supported", name),
                     {},
                     "http://, https://, file:/PATH, /PATH, oci: and docker:// are"};
    return is_wrong_name(name, "it is neither a URL nor an absolute path");
}

}  // namespace

result<rootfs_source> parse_rootfs_name(std::string_view name) {
    if (name.empty() || name.size() > name_bytes_max || std::ranges::any_of(name, is_odd))
        return is_wrong_name(name.substr(0, 100), "it is empty, too long, or has a space or a control character in it");
    if (name.starts_with("oci:") || name.starts_with("docker://") || name.starts_with("docker-archive:"))
        return rootfs_source{.from = rootfs_source::where::container_image, .location = std::string(name)};
    auto const mark = name.rfind(digest_mark);
    auto found = without_digest(name.substr(0, mark));
    if (!found || mark == name.npos) return found;
    auto const hex = name.substr(mark + digest_mark.size());
    if (hex.size() != digest_hex_count || !std::ranges::all_of(hex, is_lower_hex))
        return is_wrong_name(name, "its digest is not 64 hex digits in lower case");
    found->digest = name.substr(mark + 1);
    return found;
}

}  // namespace rik::detail
