#include "runtime/oci/image_name_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace rik::detail {

namespace {

constexpr std::size_t key_bytes_max = 240;  // a file name of 255 bytes (NAME_MAX), with a suffix
constexpr std::size_t tag_bytes_max = 128;  // Source: distribution, reference grammar

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

error invalid(std::string_view name, std::string_view why) {
    // What is no name may be anything: it is shown only if it is harmless on a terminal.
    auto const is_printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
    auto const shown = is_printable && name.size() <= key_bytes_max ? name : std::string_view("(not shown)");
    return error{errc::invalid, fmt::format("image {}: {}", shown, why)};
}

/// The name as one path component: no two names have the same.
std::string make_key(std::string_view name) {
    std::string key;
    for (char const c : name) {
        if (is_alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '@') {
            key += c;
        } else if (c == '/') {
            key += '+';
        } else if (c == ':') {
            key += '=';
        } else {
            key += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        }
    }
    return key;
}

/// Letters and digits, parted by single ".", "_" or "__", or any number of "-".
bool is_path_component(std::string_view text) {
    if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
    for (std::size_t i = 0; i < text.size();) {
        auto const start = i;
        while (i < text.size() && !is_lower_or_digit(text[i])) ++i;
        auto const separator = text.substr(start, i - start);
        auto const is_dashes = separator.find_first_not_of('-') == separator.npos;
        if (!is_dashes && separator != "." && separator != "_" && separator != "__") return false;
        while (i < text.size() && is_lower_or_digit(text[i])) ++i;
    }
    return true;
}

bool is_repository(std::string_view text) {
    for (;;) {
        auto const slash = text.find('/');
        if (!is_path_component(text.substr(0, slash))) return false;
        if (slash == text.npos) return true;
        text.remove_prefix(slash + 1);
    }
}

bool is_registry(std::string_view text) {
    auto host = text;
    if (auto const colon = text.rfind(':'); colon != text.npos && !text.ends_with(']')) {
        auto const port = text.substr(colon + 1);
        if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) return false;
        host = text.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        return host.size() > 2 && host.find_first_not_of("0123456789abcdefABCDEF:", 1) == host.size() - 1;
    }
    if (host.empty() || !is_alphanumeric(host.front()) || !is_alphanumeric(host.back())) return false;
    return std::ranges::all_of(host, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

bool is_tag(std::string_view text) {
    if (text.empty() || text.size() > tag_bytes_max || (!is_alphanumeric(text.front()) && text.front() != '_')) {
        return false;
    }
    return std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

/// Cuts off what follows the last `mark`, if `rest` has one; nullopt if not.
std::optional<std::string_view> cut(std::string_view& rest, char mark) {
    auto const at = rest.rfind(mark);
    if (at == rest.npos) return std::nullopt;
    auto const tail = rest.substr(at + 1);
    rest = rest.substr(0, at);
    return tail;
}

result<image_source> parse_registry_name(std::string_view name, std::string_view whole) {
    auto rest = name;
    auto const digest = cut(rest, '@');
    if (digest && !is_digest(*digest)) return invalid(whole, "after '@' must come sha256: and 64 hex digits");
    image_source source{.location = "docker://", .registry = "docker.io"};
    auto const first = rest.substr(0, rest.find('/'));
    if (first.size() < rest.size() && (first.find_first_of(".:[") != first.npos || first == "localhost")) {
        if (!is_registry(first)) return invalid(whole, "what is before the first '/' is no host or host:port");
        source.registry = first;
        source.location += fmt::format("{}/", first);
        rest.remove_prefix(first.size() + 1);
    }
    auto const tag = cut(rest, ':');
    if (tag && !is_tag(*tag)) return invalid(whole, "its tag has characters that no tag has, or is too long");
    if (!is_repository(rest)) {
        return invalid(whole, "a repository has lower-case letters, digits and single '.', '_' or '-' between '/'");
    }
    source.location += rest;
    source.repository = rest;
    source.tag = tag.value_or("");
    // skopeo takes a tag or a digest; the digest says more.
    if (digest) {
        source.location += fmt::format("@{}", *digest);
    } else if (tag) {
        source.location += fmt::format(":{}", *tag);
    }
    source.is_floating = !digest && (!tag || *tag == "latest");
    return source;
}

bool is_plain_path(std::filesystem::path const& path) {
    if (!path.is_absolute()) return false;
    return std::ranges::all_of(path, [](auto const& part) { return part != ".." && part != "."; });
}

bool is_file_reference(std::string_view text) {
    if (text.empty() || text.front() == '-') return false;
    return std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || std::string_view("._-/:@+").find(c) != std::string_view::npos;
    });
}

result<image_source> parse_file_name(std::string_view transport, std::string_view rest, std::string_view whole) {
    auto const colon = rest.find(':');
    std::filesystem::path path(rest.substr(0, colon));
    if (!is_plain_path(path)) return invalid(whole, "its path must be absolute and without '.' and '..'");
    if (colon != rest.npos && !is_file_reference(rest.substr(colon + 1))) {
        return invalid(whole, "what is after its path is no reference");
    }
    if (std::ranges::any_of(rest, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; })) {
        return invalid(whole, "it has control characters");
    }
    auto file = transport == "oci:" ? path / "index.json" : path;
    image_source source{.location = fmt::format("{}{}", transport, rest), .file = std::move(file)};
    source.path = std::move(path);
    if (colon != rest.npos) source.tag = rest.substr(colon + 1);
    return source;
}

result<image_source> parse_forms(std::string_view name) {
    for (std::string_view const transport : {"oci:", "docker-archive:"}) {
        if (name.starts_with(transport)) return parse_file_name(transport, name.substr(transport.size()), name);
    }
    auto rest = name;
    if (std::string_view const docker = "docker://"; rest.starts_with(docker)) rest.remove_prefix(docker.size());
    return parse_registry_name(rest, name);
}

}  // namespace

bool is_digest(std::string_view text) {
    std::string_view const prefix = "sha256:";
    if (!text.starts_with(prefix) || text.size() != prefix.size() + 64) return false;
    return text.find_first_not_of("0123456789abcdef", prefix.size()) == text.npos;
}

result<image_source> parse_image_name(std::string_view name) {
    auto source = parse_forms(name);
    if (!source) return source;
    source->key = make_key(name);
    if (source->key.size() > key_bytes_max) {
        return invalid(name, fmt::format("it is too long (more than {} bytes)", key_bytes_max));
    }
    return source;
}

}  // namespace rik::detail
