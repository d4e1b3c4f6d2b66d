#include "runtime/oci/image_errors_detail.hpp"

#include "runtime/clean_text_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace rik::detail {

namespace {

constexpr std::size_t message_bytes_max = 600;

/// Does the tool's own text say more than the rule?
enum class detail_kind : std::uint8_t { none, rest };

struct rule {
    std::string_view part;  ///< of the message, in lower case
    errc code;
    std::string_view says;
    detail_kind more = detail_kind::rest;
};

// The first that fits counts: what only a registry or a layout says, and what cannot be a name, comes before the words
// that anybody may use. Source: containers/image 5.23 (skopeo 1.9), distribution's error codes, Go's net and os.
constexpr std::array pull_rules{
    rule{"no space left on device", errc::exhausted, "the disk is full", detail_kind::none},
    rule{"disk quota exceeded", errc::exhausted, "the disk is full", detail_kind::none},
    rule{"server gave http response to https client", errc::unavailable, "the registry speaks plain http",
         detail_kind::none},
    rule{"x509:", errc::unavailable, "the registry's certificate is not trusted"},
    rule{"manifest unknown", errc::not_found, "the registry does not have it", detail_kind::none},
    rule{"name unknown", errc::not_found, "the registry does not have it", detail_kind::none},
    rule{"repository name not known", errc::not_found, "the registry does not have it", detail_kind::none},
    rule{"toomanyrequests", errc::unavailable, "the registry takes no more requests now"},
    rule{"unauthorized", errc::denied, "the registry wants a login, or does not have it", detail_kind::none},
    rule{"authentication required", errc::denied, "the registry wants a login, or does not have it", detail_kind::none},
    rule{"access to the resource is denied", errc::denied, "the registry wants a login, or does not have it",
         detail_kind::none},
    rule{"denied", errc::denied, "access was denied"},
    rule{"no image found in manifest list", errc::unsupported, "there is none for this machine's architecture",
         detail_kind::none},
    rule{"no image found in image index", errc::unsupported, "there is none for this machine's architecture",
         detail_kind::none},
    rule{"no descriptor found", errc::not_found, "the layout does not have this tag", detail_kind::none},
    rule{"certificate", errc::unavailable, "the registry's certificate is not trusted"},
    rule{"connection refused", errc::unavailable, "the registry does not answer"},
    rule{"connection reset", errc::unavailable, "the registry does not answer"},
    rule{"no such host", errc::unavailable, "the registry's name is not known", detail_kind::none},
    rule{"server misbehaving", errc::unavailable, "the registry's name cannot be resolved"},
    rule{"temporary failure in name resolution", errc::unavailable, "the registry's name cannot be resolved",
         detail_kind::none},
    rule{"network is unreachable", errc::unavailable, "the registry cannot be reached", detail_kind::none},
    rule{"no route to host", errc::unavailable, "the registry cannot be reached", detail_kind::none},
    rule{"service unavailable", errc::unavailable, "the registry is not available now"},
    rule{"bad gateway", errc::unavailable, "the registry is not available now"},
    rule{"gateway timeout", errc::unavailable, "the registry is not available now"},
    rule{"internal server error", errc::unavailable, "the registry has failed"},
    rule{"unexpected http status: 5", errc::unavailable, "the registry has failed"},
    rule{"invalid status code from registry 5", errc::unavailable, "the registry has failed"},
    rule{"timeout", errc::unavailable, "the registry does not answer"},
    rule{"invalid character '<'", errc::unavailable, "what answers is no registry, or asks for a login"},
    rule{"unexpected eof", errc::unavailable, "the connection to the registry broke"},
    rule{"unsupported", errc::unsupported, "it is of a kind that the image tools do not know"},
    rule{"not found", errc::not_found, "it is not there", detail_kind::none},
    rule{"no such file or directory", errc::not_found, "there is no such file", detail_kind::none},
    rule{"invalid reference format", errc::invalid, "this is no image name", detail_kind::none},
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

/// Whether `word` is, or is part of, what the user wrote. `before` and `after` are its neighbours.
bool is_of_name(std::string_view word, std::string_view before, std::string_view after, image_source const& source) {
    // Addresses, paths and most names; what skopeo says itself has "i/o" and "net/http" at most.
    if (word.find('/') != word.npos) return true;
    auto const registry = to_lower(source.registry);
    auto const host = std::string_view(registry).substr(0, registry.rfind(':'));
    auto const tag = to_lower(source.name.tag.empty() ? source.name.reference : source.name.tag);
    auto const& repository = source.name.repository;
    while (word.ends_with(':') || word.ends_with('.')) word.remove_suffix(1);
    auto const is_telling = [](std::string_view name) { return name.find_first_of(".:") != name.npos; };
    for (auto const name : {std::string_view(registry), host}) {
        if (is_telling(name) && word.find(name) != word.npos) return true;
    }
    if (!tag.empty() && word == fmt::format("{}:{}", repository, tag)) return true;
    if (is_telling(tag) && word == tag) return true;
    // A name may be any word, "denied" too: it is a name only where one is expected.
    if (word == tag && before == "manifest") return after == "in";
    constexpr std::array announcing{"lookup", "registry", "repository", "tag", "reference"};
    if (std::ranges::find(announcing, before) == announcing.end()) return false;
    return word == host || word == registry || word == repository || word == tag;
}

/// `lower` is a message in lower case. The rules look for words, and names are made of words: `team/timeout:1` that is
/// not there is no registry that is silent.
std::string without_name(std::string lower, image_source const& source) {
    constexpr std::string_view blanks = " \t\r\n\"'`,;()[]{}<>=";
    auto const path = to_lower(source.name.path);  // it may have commas
    for (auto at = lower.find(path); path.size() > 1 && at != lower.npos; at = lower.find(path, at + 1)) {
        lower.replace(at, path.size(), "/");
    }
    std::vector<std::string_view> words;
    for (std::size_t at = 0; (at = lower.find_first_not_of(blanks, at)) != lower.npos;) {
        auto const end = std::min(lower.find_first_of(blanks, at), lower.size());
        words.push_back(std::string_view(lower).substr(at, end - at));
        at = end;
    }
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto const before = i > 0 ? words[i - 1] : std::string_view();
        auto const after = i + 1 < words.size() ? words[i + 1] : std::string_view();
        if (is_of_name(words[i], before, after, source)) names.push_back(words[i]);
    }
    for (auto const name : names) std::fill_n(lower.begin() + (name.data() - lower.data()), name.size(), '/');
    return lower;
}

/// The text of logrus' msg="..." from just behind the quote.
std::string unquote(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
        auto const is_escaped = text[i] == '\\' && i + 1 < text.size();
        if (is_escaped) ++i;
        plain += is_escaped && (text[i] == 'n' || text[i] == 't') ? ' ' : text[i];
    }
    return plain;
}

/// The last message of `text`, whole.
std::string last_message(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    auto line = text.substr(std::min(text.find_last_of('\n') + 1, text.size()));  // npos + 1 is 0
    std::string message(line);
    if (auto const at = line.find("msg=\""); at != line.npos) message = unquote(line.substr(at + 5));
    std::string_view plain(message);
    for (std::string_view const mark : {" ", "\t", "\u2a2f", " "}) {  // umoci's: "   \u2a2f create rootfs: ..."
        while (plain.starts_with(mark)) plain.remove_prefix(mark.size());
    }
    return std::string(plain);
}

/// The parts of "opening x: reading y: broken: broken", each once.
std::vector<std::string_view> parts_of(std::string_view message) {
    std::vector<std::string_view> parts;
    for (;;) {
        auto const end = message.find(": ");
        auto const part = message.substr(0, end);
        if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
        if (end == message.npos) return parts;
        message.remove_prefix(end + 2);
    }
}

std::string joined(std::vector<std::string_view> const& parts) {
    std::string text;
    for (auto const part : parts) text.append(text.empty() ? "" : ": ").append(part);
    return text;
}

/// The last `count` parts; all of it if it has no more.
std::string_view last_parts(std::string_view message, std::size_t count) {
    std::size_t begin = 0;
    for (auto from = message.npos; count > 0; --count) {
        auto const mark = message.rfind(": ", from);
        if (mark == message.npos || mark == 0) return message;
        begin = mark + 2;
        from = mark - 1;
    }
    return message.substr(begin);
}

std::size_t count_marks(std::string_view text) {
    std::size_t count = 0;
    for (auto at = text.find(": "); at != text.npos; at = text.find(": ", at + 2)) ++count;
    return count;
}

/// What is behind the words that a rule has found: those of the tool before it only say what it was doing.
/// `telling` is `message` without names, so positions in it are others.
std::string rest_of(std::string_view message, std::string_view telling, std::size_t found_at) {
    auto const rest = last_parts(message, count_marks(telling.substr(found_at)) + 1);
    return clean_text(joined(parts_of(rest)), message_bytes_max);
}

/// `message` without what it repeats, and without the parts that name the registry: what was being done to which image
/// is known.
std::string without_repetition(std::string_view message, image_source const& source) {
    auto parts = parts_of(message);
    auto const last = parts.back();
    std::erase_if(parts, [&](std::string_view part) {
        return part != last && !source.registry.empty() && part.find(source.registry) != part.npos;
    });
    return clean_text(joined(parts), message_bytes_max);
}

}  // namespace

std::string tool_message(std::string_view text) { return clean_text(last_message(text), message_bytes_max); }

error pull_error(std::string_view text, image_source const& source) {
    auto const whole = last_message(text);
    auto const message = without_repetition(whole, source);
    auto const telling = without_name(to_lower(whole), source);
    for (auto const& each : pull_rules) {
        auto const at = telling.find(each.part);
        if (at == telling.npos) continue;
        auto problem = error{each.code, std::string(each.says)};
        if (each.more == detail_kind::rest) problem.message += fmt::format(" ({})", rest_of(whole, telling, at));
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
    auto const message = clean_text(joined(parts_of(last_message(text))), message_bytes_max);
    auto const lower = to_lower(message);
    for (auto const& each : pull_rules) {
        if (each.code != errc::exhausted || lower.find(each.part) == lower.npos) continue;
        return error{each.code, std::string(each.says), "", "make room on the file system of rik's state directory"};
    }
    return error{errc::corrupt, fmt::format("it cannot be unpacked: {}", message)};
}

}  // namespace rik::detail
