#include "model/image_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t tag_bytes_max = 128;
constexpr std::size_t path_bytes_max = 1024;

constexpr bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
constexpr bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
constexpr bool is_upper(char letter) { return letter >= 'A' && letter <= 'Z'; }
constexpr bool is_lower_alphanumeric(char letter) { return is_lower(letter) || is_digit(letter); }
constexpr bool is_alphanumeric(char letter) { return is_lower_alphanumeric(letter) || is_upper(letter); }

bool are_all(std::string_view text, bool (*is_legal)(char)) { return std::all_of(text.begin(), text.end(), is_legal); }

bool is_tag(std::string_view tag) {
    if (tag.empty() || tag.size() > tag_bytes_max || tag[0] == '.' || tag[0] == '-') return false;
    return are_all(tag, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_digest(std::string_view digest) {
    constexpr auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    if (digest.starts_with("sha256:")) return digest.size() == 7 + 64 && are_all(digest.substr(7), is_hex);
    if (digest.starts_with("sha512:")) return digest.size() == 7 + 128 && are_all(digest.substr(7), is_hex);
    return false;
}

/// What may stand between two runs of letters and digits: ".", "_", "__" or any number of "-".
bool is_separator(std::string_view text) {
    return text == "." || text == "_" || text == "__" || text.find_first_not_of('-') == std::string_view::npos;
}

bool is_component(std::string_view part) {
    if (part.empty() || !is_lower_alphanumeric(part.front()) || !is_lower_alphanumeric(part.back())) return false;
    for (std::size_t at = 0; at < part.size();) {
        auto const begin = at;
        while (at < part.size() && !is_lower_alphanumeric(part[at])) ++at;
        if (at > begin && !is_separator(part.substr(begin, at - begin))) return false;
        while (at < part.size() && is_lower_alphanumeric(part[at])) ++at;
    }
    return true;
}

/// The first part of a name with a '/' is a registry if it looks like a host.
bool is_registry(std::string_view part) {
    return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

bool is_host(std::string_view registry) {
    auto const colon = registry.rfind(':');
    if (colon != std::string_view::npos && registry.back() != ']') {
        auto const port = registry.substr(colon + 1);
        if (port.empty() || port.size() > 5 || !are_all(port, is_digit)) return false;
        registry = registry.substr(0, colon);
    }
    if (registry.size() > 2 && registry.front() == '[' && registry.back() == ']')
        return are_all(registry.substr(1, registry.size() - 2), [](char c) { return is_alphanumeric(c) || c == ':'; });
    if (registry.empty() || !is_alphanumeric(registry.front()) || !is_alphanumeric(registry.back())) return false;
    return are_all(registry, [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

std::optional<std::string> repository_problem(std::string_view name) {
    if (name.empty()) return "has no name before its tag or digest";
    if (name.size() > name_bytes_max) return fmt::format("has a name longer than {} characters", name_bytes_max);
    auto rest = name;
    auto slash = rest.find('/');
    if (slash != std::string_view::npos && is_registry(rest.substr(0, slash))) {
        if (!is_host(rest.substr(0, slash))) return fmt::format("has no legal registry: '{}'", rest.substr(0, slash));
        rest.remove_prefix(slash + 1);
    }
    if (std::any_of(rest.begin(), rest.end(), is_upper)) return fmt::format("has upper-case letters in '{}'", rest);
    for (;;) {
        slash = rest.find('/');
        auto const part = rest.substr(0, slash);
        if (!is_component(part)) return fmt::format("has no legal name: '{}'", name);
        if (slash == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(slash + 1);
    }
}

std::optional<std::string> plain_problem(std::string_view image) {
    auto name = image;
    if (auto const at = name.find('@'); at != std::string_view::npos) {
        if (!is_digest(name.substr(at + 1)))
            return "has no legal digest: sha256: and 64 hexadecimal digits are expected";
        name = name.substr(0, at);
    }
    auto const colon = name.rfind(':');
    auto const slash = name.rfind('/');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        if (!is_tag(name.substr(colon + 1))) return "has no legal tag";
        name = name.substr(0, colon);
    }
    return repository_problem(name);
}

/// PATH or PATH:TAG on the node. The path is absolute: nobody knows the working directory of a node.
std::optional<std::string> path_problem(std::string_view path) {
    if (path.size() > path_bytes_max) return fmt::format("has a path longer than {} characters", path_bytes_max);
    if (!path.starts_with('/')) return "has no absolute path";
    auto const colon = path.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    // The tag of an archive may be a whole name: docker-archive:/a.tar:registry:5000/name:tag
    if (colon + 1 == path.size()) return "has an empty tag";
    return std::nullopt;
}

}  // namespace

std::optional<std::string> image_problem(std::string_view image) {
    if (image.empty()) return "is empty";
    auto const is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
    if (std::any_of(image.begin(), image.end(), is_blank)) return "has a blank in it";
    if (image.starts_with("docker://")) return plain_problem(image.substr(9));
    if (image.starts_with("oci:")) return path_problem(image.substr(4));
    if (image.starts_with("docker-archive:")) return path_problem(image.substr(15));
    return plain_problem(image);
}

}  // namespace rik::detail
