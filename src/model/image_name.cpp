#include <rik/model/image_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t tag_bytes_max = 128;

constexpr bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
constexpr bool is_upper(char letter) { return letter >= 'A' && letter <= 'Z'; }
constexpr bool is_lower_or_digit(char letter) { return (letter >= 'a' && letter <= 'z') || is_digit(letter); }
constexpr bool is_alphanumeric(char letter) { return is_lower_or_digit(letter) || is_upper(letter); }

/// Letters, digits and `others`.
bool has_only(std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [others](char c) { return is_alphanumeric(c) || others.find(c) != others.npos; });
}

error invalid(std::string message) { return {errc::invalid, std::move(message), "", std::string(image_name_remedy)}; }

bool is_tag(std::string_view text) {
    if (text.empty() || text.size() > tag_bytes_max || text.front() == '.' || text.front() == '-') return false;
    return has_only(text, "_.-");
}

/// What may stand between two runs of letters and digits: ".", "_", "__" or any number of "-".
bool is_separator(std::string_view text) {
    return text == "." || text == "_" || text == "__" || text.find_first_not_of('-') == text.npos;
}

bool is_component(std::string_view text) {
    if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) return false;
    for (std::size_t at = 0; at < text.size();) {
        auto const begin = at;
        while (at < text.size() && !is_lower_or_digit(text[at])) ++at;
        if (at > begin && !is_separator(text.substr(begin, at - begin))) return false;
        while (at < text.size() && is_lower_or_digit(text[at])) ++at;
    }
    return true;
}

bool is_repository(std::string_view text) {
    for (;;) {
        auto const slash = text.find('/');
        if (!is_component(text.substr(0, slash))) return false;
        if (slash == text.npos) return true;
        text.remove_prefix(slash + 1);
    }
}

/// The first part of a name with a '/' is a registry if it looks like a host.
bool is_meant_as_registry(std::string_view part) {
    return part == "localhost" || part.find_first_of(".:[") != part.npos;
}

bool is_registry(std::string_view text) {
    auto host = text;
    if (auto const colon = text.rfind(':'); colon != text.npos && !text.ends_with(']')) {
        auto const port = text.substr(colon + 1);
        if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, is_digit)) return false;
        host = text.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        return host.size() > 2 && host.find_first_not_of("0123456789abcdefABCDEF:", 1) == host.size() - 1;
    }
    if (host.empty() || !is_alphanumeric(host.front()) || !is_alphanumeric(host.back())) return false;
    return has_only(host, ".-");
}

/// Cuts off what follows the last `mark`, if `rest` has one; nullopt if not.
std::optional<std::string_view> cut(std::string_view& rest, char mark) {
    auto const at = rest.rfind(mark);
    if (at == rest.npos) return std::nullopt;
    auto const tail = rest.substr(at + 1);
    rest = rest.substr(0, at);
    return tail;
}

result<image_name> parse_registry_name(std::string_view rest) {
    image_name name;
    if (auto const digest = cut(rest, '@')) {
        if (!is_image_digest(*digest)) {
            return invalid("after '@' must come sha256: and 64 hexadecimal digits in lower case");
        }
        name.digest = *digest;
    }
    auto const first = rest.substr(0, rest.find('/'));
    if (first.size() < rest.size() && is_meant_as_registry(first)) {
        if (!is_registry(first)) return invalid("what is before the first '/' is no host or host:port");
        name.registry = first;
        rest.remove_prefix(first.size() + 1);
    }
    if (auto const tag = cut(rest, ':')) {
        if (!is_tag(*tag)) {
            return invalid(
                fmt::format("its tag is empty, is longer than {} characters, or has others than letters, "
                            "digits, '_', '.' and '-'",
                            tag_bytes_max));
        }
        name.tag = *tag;
    }
    if (rest.empty()) return invalid("it has no name before its tag or digest");
    if (std::ranges::any_of(rest, is_upper)) return invalid("its repository has upper-case letters");
    if (!is_repository(rest)) {
        return invalid("a repository has lower-case letters, digits and single '.', '_' or '-' between '/'");
    }
    name.repository = rest;
    return name;
}

/// Nobody knows the working directory of a node.
bool is_plain_path(std::string_view path) {
    if (!path.starts_with('/') || path.find_first_not_of('/') == path.npos) return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        auto const part = path.substr(0, path.find('/'));
        if (part == "." || part == "..") return false;
        path.remove_prefix(part.size());
    }
    return true;
}

/// PATH or PATH:REFERENCE. That of an archive may be a whole name: docker-archive:/a.tar:registry:5000/name:tag
result<image_name> parse_file_name(image_transport transport, std::string_view rest) {
    auto const colon = rest.find(':');
    image_name name{.transport = transport, .path = std::string(rest.substr(0, colon))};
    if (!is_plain_path(name.path))
        return invalid("its path must be absolute, without '.' and '..', and not the root alone");
    if (colon == rest.npos) return name;
    name.reference = rest.substr(colon + 1);
    if (name.reference.empty()) return invalid("its tag, after the path, is empty");
    if (name.reference.front() == '-' || !has_only(name.reference, "._-/:@+")) {
        return invalid("what is after its path is no tag and no name");
    }
    return name;
}

constexpr std::string_view official = "library/";  // of docker.io: "nginx" is "library/nginx"

bool is_docker_hub(std::string_view registry) {
    return registry.empty() || registry == "docker.io" || registry == "index.docker.io";
}

std::string short_repository(image_name const& of) {
    if (!is_docker_hub(of.registry)) return fmt::format("{}/{}", of.registry, of.repository);
    auto const slash = of.repository.find('/');
    if (slash == std::string::npos) return of.repository;
    auto const rest = std::string_view(of.repository).substr(slash + 1);
    if (of.repository.starts_with(official) && rest.find('/') == rest.npos) return std::string(rest);
    // "docker.io/a.b/c" is not "a.b/c", which is of the registry a.b.
    auto const is_clear = !is_meant_as_registry(std::string_view(of.repository).substr(0, slash));
    return is_clear ? of.repository : fmt::format("docker.io/{}", of.repository);
}

std::string file_name_of(image_name const& of) {
    auto const* const prefix = of.transport == image_transport::oci_layout ? "oci" : "docker-archive";
    return fmt::format("{}:{}{}{}", prefix, of.path, of.reference.empty() ? "" : ":", of.reference);
}

std::size_t stored_bytes(std::string_view text) {
    auto const others = std::ranges::count_if(text, [](char c) { return !has_only({&c, 1}, "._-@:/"); });
    return text.size() + 2 * static_cast<std::size_t>(others);
}

}  // namespace

result<std::string> parse_registry(std::string_view text) {
    auto rest = text;
    for (std::string_view const scheme : {"http://", "https://"}) {
        if (!rest.starts_with(scheme)) continue;
        rest.remove_prefix(scheme.size());
        if (rest.ends_with('/')) rest.remove_suffix(1);
        break;
    }
    auto const colon = rest.rfind(':');
    auto const has_large_port = colon != rest.npos && rest.size() == colon + 6 && rest.substr(colon + 1) > "65535";
    if (!is_registry(rest) || !is_meant_as_registry(rest) || has_large_port)
        return error{errc::invalid, fmt::format("'{}' is no registry", text.substr(0, 100)), "",
                     "write HOST:PORT, as names of images have it"};
    std::string registry(rest);
    std::ranges::transform(registry, registry.begin(), [](char c) { return is_upper(c) ? char(c - 'A' + 'a') : c; });
    return registry;
}

std::string short_name(image_name const& of) {
    if (of.transport != image_transport::registry) return file_name_of(of);
    auto name = short_repository(of);
    if (!of.digest.empty()) return fmt::format("{}@{}", name, of.digest);
    if (!of.tag.empty() && of.tag != "latest") return fmt::format("{}:{}", name, of.tag);
    return name;
}

bool is_floating(image_name const& of) {
    return of.transport == image_transport::registry && of.digest.empty() && (of.tag.empty() || of.tag == "latest");
}

bool is_image_digest(std::string_view text) {
    std::string_view const prefix = "sha256:";
    if (!text.starts_with(prefix) || text.size() != prefix.size() + 64) return false;
    return text.find_first_not_of("0123456789abcdef", prefix.size()) == text.npos;
}

result<image_name> parse_image_name(std::string_view text) {
    if (text.empty()) return invalid("it is empty");
    auto const is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
    if (std::ranges::any_of(text, is_blank)) return invalid("it has a blank or a control character");
    if (text.size() > image_name_bytes_max || stored_bytes(text) > image_name_bytes_max) {
        return invalid(
            fmt::format("it is longer than {} bytes (special characters count three)", image_name_bytes_max));
    }
    constexpr std::array files{std::pair{std::string_view("oci:"), image_transport::oci_layout},
                               std::pair{std::string_view("docker-archive:"), image_transport::docker_archive}};
    for (auto const& [prefix, transport] : files) {
        if (text.starts_with(prefix)) return parse_file_name(transport, text.substr(prefix.size()));
    }
    std::string_view const docker = "docker://";
    if (text.starts_with(docker)) text.remove_prefix(docker.size());
    return parse_registry_name(text);
}

}  // namespace rik
