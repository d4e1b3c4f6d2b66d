#include "runtime/oci/image_source_detail.hpp"

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

bool is_kept(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == '@';
}

/// A text as one path component: no two texts have the same.
std::string make_key(std::string_view text) {
    std::string key;
    for (char const c : text) {
        if (is_kept(c)) {
            key += c;
        } else if (c == '/') {
            key += '+';
        } else if (c == ':') {
            key += '=';
        } else {
            key += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        }
    }
    RIK_ASSERT(key.size() <= image_name_bytes_max);  // that is what the limit is for
    return key;
}

/// skopeo takes a tag or a digest; the digest says more.
std::string registry_location(image_name const& name) {
    auto location = fmt::format("docker://{}{}{}", name.registry, name.registry.empty() ? "" : "/", name.repository);
    if (!name.digest.empty()) return fmt::format("{}@{}", location, name.digest);
    if (!name.tag.empty()) return fmt::format("{}:{}", location, name.tag);
    return location;
}

}  // namespace

result<image_source> parse_image_source(std::string_view text) {
    auto parsed = parse_image_name(text);
    if (!parsed) {
        // What is no name may be anything: it is shown only if it is harmless on a terminal.
        auto const is_printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
        auto const shown = is_printable && text.size() <= image_name_bytes_max ? text : std::string_view("(not shown)");
        auto problem = parsed.error();
        problem.message = fmt::format("image {}: {}", shown, problem.message);
        return problem;
    }
    image_source source;
    source.name = std::move(*parsed);
    source.key = make_key(short_name(source.name));
    source.old_key = make_key(text);
    auto const& name = source.name;
    if (name.transport == image_transport::registry) {
        source.location = registry_location(name);
        source.registry = name.registry.empty() ? "docker.io" : name.registry;
        source.is_floating = rik::is_floating(name);
    } else {
        source.location = text;
        source.file = name.transport == image_transport::oci_layout ? std::filesystem::path(name.path) / "index.json"
                                                                    : std::filesystem::path(name.path);
    }
    return source;
}

}  // namespace rik::detail
