#include "text.hpp"

#include <rik/base/utf8.hpp>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }

constexpr int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (lower(digit) >= 'a' && lower(digit) <= 'f') return lower(digit) - 'a' + 10;
    return -1;
}

/// The character that "%xy" at `at` stands for; nullopt if it is no escape or NUL.
std::optional<char> escape_at(std::string_view text, std::size_t at) {
    if (at + 2 >= text.size()) return std::nullopt;
    auto const high = hex_value(text[at + 1]);
    auto const low = hex_value(text[at + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

/// Cuts off and returns what comes before the next `separator`.
std::string_view next_part(std::string_view& rest, char separator) {
    auto const end = std::min(rest.find(separator), rest.size());
    auto const part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

bool split_path(std::string_view path, std::vector<std::string>& into) {
    path.remove_prefix(1);
    while (!path.empty()) {
        auto segment = percent_decode(next_part(path, '/'), false);
        if (!segment || !is_utf8(*segment)) return false;
        into.push_back(std::move(*segment));
    }
    return true;
}

bool split_query(std::string_view query, std::vector<http_field>& into) {
    while (!query.empty()) {
        auto value = next_part(query, '&');
        if (value.empty()) continue;
        auto const name = next_part(value, '=');
        auto decoded_name = percent_decode(name, true);
        auto decoded_value = percent_decode(value, true);
        if (!decoded_name || !decoded_value) return false;
        if (!is_utf8(*decoded_name) || !is_utf8(*decoded_value)) return false;
        into.push_back({std::move(*decoded_name), std::move(*decoded_value)});
    }
    return true;
}

/// The values of all fields of that name, as one list.   Source: RFC 9110, section 5.3.
std::string list_of(http_request const& request, std::string_view name) {
    std::string list;
    for (auto const& field : request.headers)
        if (equal_ignoring_case(field.name, name)) list += (list.empty() ? "" : ",") + field.value;
    return list;
}

/// "http://host/path" without its first part.
std::string_view without_authority(std::string_view target) {
    auto const scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos) return target;
    auto const path = target.find('/', scheme + 3);
    return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trim(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%') {
            auto const character = escape_at(text, at);
            if (!character) return std::nullopt;
            decoded += *character;
            at += 2;
        } else {
            decoded += plus_is_blank && text[at] == '+' ? ' ' : text[at];
        }
    }
    return decoded;
}

std::string quotable(std::string_view text) {
    std::string shown(text);
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return shown;
}

bool lists_token(std::string_view list, std::string_view token) {
    while (!list.empty())
        if (equal_ignoring_case(trim(next_part(list, ',')), token)) return true;
    return false;
}

std::string protocols_asked_for(http_request const& request) {
    if (!lists_token(list_of(request, "Connection"), "upgrade")) return {};
    return list_of(request, "Upgrade");
}

std::optional<std::string> split_target(http_request& request) {
    if (request.target == "*") return std::nullopt;
    auto query = without_authority(request.target);
    if (!query.starts_with('/')) return "the target must begin with '/'";
    auto const path = next_part(query, '?');
    if (!split_path(path, request.path)) return "the path has a wrong %-escape, or is not UTF-8";
    if (!split_query(query, request.query)) return "the query has a wrong %-escape, or is not UTF-8";
    return std::nullopt;
}

std::optional<std::string_view> host_of(std::string_view authority) {
    auto rest = authority;
    std::string_view host;
    if (rest.starts_with('[')) {
        auto const end = rest.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        host = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
    } else {
        host = rest.substr(0, rest.find(':'));
        rest.remove_prefix(host.size());
    }
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    if (rest.find_first_not_of("0123456789", 1) != std::string_view::npos && rest.size() > 1) return std::nullopt;
    if (host.empty()) return std::nullopt;
    return host;
}

}  // namespace rik::detail
