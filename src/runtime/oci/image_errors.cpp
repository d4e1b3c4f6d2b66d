#include "runtime/oci/image_errors_detail.hpp"

#include "runtime/clean_text_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik::detail {

namespace {

constexpr std::size_t message_bytes_max = 600;

struct rule {
    std::string_view part;  ///< of the message, in lower case
    errc code;
    std::string_view says;
};

// The first that fits counts. Source: containers/image 5.23 (skopeo 1.9), distribution's error codes, Go's net and os.
constexpr std::array pull_rules{
    rule{"no space left on device", errc::exhausted, "the disk is full"},
    rule{"disk quota exceeded", errc::exhausted, "the disk is full"},
    rule{"server gave http response to https client", errc::unavailable, "the registry speaks plain http"},
    rule{"x509:", errc::unavailable, "the registry's certificate is not trusted"},
    rule{"certificate", errc::unavailable, "the registry's certificate is not trusted"},
    rule{"connection refused", errc::unavailable, "the registry does not answer"},
    rule{"connection reset", errc::unavailable, "the registry does not answer"},
    rule{"no such host", errc::unavailable, "the registry's name is not known"},
    rule{"server misbehaving", errc::unavailable, "the registry's name cannot be resolved"},
    rule{"temporary failure in name resolution", errc::unavailable, "the registry's name cannot be resolved"},
    rule{"network is unreachable", errc::unavailable, "the registry cannot be reached"},
    rule{"no route to host", errc::unavailable, "the registry cannot be reached"},
    rule{"timeout", errc::unavailable, "the registry does not answer"},
    rule{"toomanyrequests", errc::unavailable, "the registry takes no more requests now"},
    rule{"service unavailable", errc::unavailable, "the registry is not available now"},
    rule{"bad gateway", errc::unavailable, "the registry is not available now"},
    rule{"internal server error", errc::unavailable, "the registry has failed"},
    rule{"gateway timeout", errc::unavailable, "the registry is not available now"},
    rule{"unexpected http status: 5", errc::unavailable, "the registry has failed"},
    rule{"invalid status code from registry 5", errc::unavailable, "the registry has failed"},
    rule{"invalid character '<'", errc::unavailable, "what answers is no registry, or asks for a login"},
    rule{"unexpected eof", errc::unavailable, "the connection to the registry broke"},
    rule{"manifest unknown", errc::not_found, "the registry does not have it"},
    rule{"name unknown", errc::not_found, "the registry does not have it"},
    rule{"repository name not known", errc::not_found, "the registry does not have it"},
    rule{"no image found in manifest list", errc::unsupported, "there is none for this machine's architecture"},
    rule{"no image found in image index", errc::unsupported, "there is none for this machine's architecture"},
    rule{"unsupported", errc::unsupported, "it is of a kind that the image tools do not know"},
    rule{"unauthorized", errc::denied, "the registry wants a login, or does not have it"},
    rule{"authentication required", errc::denied, "the registry wants a login, or does not have it"},
    rule{"access to the resource is denied", errc::denied, "the registry wants a login, or does not have it"},
    rule{"denied", errc::denied, "access was denied"},
    rule{"no descriptor found", errc::not_found, "the layout does not have this tag"},
    rule{"not found", errc::not_found, "it is not there"},
    rule{"no such file or directory", errc::not_found, "there is no such file"},
    rule{"invalid reference format", errc::invalid, "this is no image name"},
};

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::string remedy_for(rule const& matched, image_source const& source) {
    if (matched.part == "server gave http response to https client") {
        return fmt::format("start rik with --insecure-registry {}", source.registry);
    }
    if (matched.says == "the registry's certificate is not trusted") {
        return fmt::format("install its CA certificate, or start rik with --insecure-registry {}", source.registry);
    }
    if (matched.code == errc::denied && source.file.empty()) {
        return fmt::format("check the name; log in as root: skopeo login {}", source.registry);
    }
    if (matched.code == errc::exhausted) return "make room on the file system of rik's state directory";
    if (matched.code == errc::unavailable) return fmt::format("check that {} can be reached", source.registry);
    return {};
}

/// The text of logrus' msg="..." from just behind the quote.
std::string unquote(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        plain += text[i];
    }
    return plain;
}

}  // namespace

std::string tool_message(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    auto line = text.substr(std::min(text.find_last_of('\n') + 1, text.size()));  // npos + 1 is 0
    std::string message(line);
    if (auto const at = line.find("msg=\""); at != line.npos) message = unquote(line.substr(at + 5));
    std::string_view plain(message);
    for (std::string_view const mark : {" ", "\t", "\u2a2f", " "}) {  // umoci's: "   \u2a2f create rootfs: ..."
        while (plain.starts_with(mark)) plain.remove_prefix(mark.size());
    }
    return clean_text(plain, message_bytes_max);
}

error pull_error(std::string_view text, image_source const& source) {
    auto const message = tool_message(text);
    auto const lower = to_lower(message);
    for (auto const& each : pull_rules) {
        if (lower.find(each.part) == lower.npos) continue;
        auto problem = error{each.code, fmt::format("{} ({})", each.says, message)};
        // Of a file, what looks like a broken connection is a broken file.
        if (!source.file.empty() && each.code == errc::unavailable)
            problem = error{errc::corrupt, message};
        else
            problem.remedy = remedy_for(each, source);
        return problem;
    }
    return error{source.file.empty() ? errc::internal : errc::corrupt, fmt::format("skopeo: {}", message)};
}

error unpack_error(std::string_view text) {
    auto const message = tool_message(text);
    auto const lower = to_lower(message);
    for (auto const& each : pull_rules) {
        if (each.code != errc::exhausted || lower.find(each.part) == lower.npos) continue;
        return error{each.code, fmt::format("{} ({})", each.says, message), "",
                     "make room on the file system of rik's state directory"};
    }
    return error{errc::corrupt, fmt::format("it cannot be unpacked: {}", message)};
}

}  // namespace rik::detail
