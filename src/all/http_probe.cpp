#include "http_probe_detail.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace rik::detail {

namespace http = boost::beast::http;

namespace {

constexpr unsigned early_answers_max = 5;

bool is_plain(unsigned char c) { return c > 0x20 && c < 0x7f; }

/// Without its fragment, and with what may not be in a request written as %XX.
std::string target_of(std::string_view path) {
    path = path.substr(0, path.find('#'));
    std::string made = path.starts_with('/') ? "" : "/";
    for (unsigned char const c : path) {
        if (is_plain(c))
            made += static_cast<char>(c);
        else
            made += fmt::format("%{:02X}", c);
    }
    return made;
}

bool is_same(std::string_view a, std::string_view b) {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string authority_of(http_place const& to) {
    auto const is_v6 = to.host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", to.host, to.port) : fmt::format("{}:{}", to.host, to.port);
}

/// "host", "host:80", "[::1]:80", "user@host"
std::optional<http_place> place_of_authority(std::string_view text, bool is_https) {
    text = text.substr(text.rfind('@') + 1);
    auto const after = text.starts_with('[') ? text.find(']') : std::string_view::npos;
    auto const colon = text.find(':', after == std::string_view::npos ? 0 : after);
    auto host = text.substr(0, colon);
    http_place place{.is_https = is_https, .port = static_cast<std::uint16_t>(is_https ? 443 : 80)};
    if (colon != std::string_view::npos && colon + 1 < text.size()) {
        auto const port = text.substr(colon + 1);
        auto const [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), place.port);
        if (wrong != std::errc() || end != port.data() + port.size() || place.port == 0) return std::nullopt;
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || !std::ranges::all_of(host, is_plain)) return std::nullopt;
    place.host = host;
    return place;
}

/// "//host/path"
std::optional<http_place> resolve_from_authority(std::string_view text, bool is_https) {
    auto const rest = text.substr(2);
    auto const end = rest.find_first_of("/?#");
    auto place = place_of_authority(rest.substr(0, end), is_https);
    if (place) place->target = target_of(end == std::string_view::npos ? "/" : rest.substr(end));
    return place;
}

/// The scheme of "http://...", nothing of a relative reference.
std::optional<std::string_view> scheme_of(std::string_view location) {
    auto const colon = location.find(':');
    if (colon == std::string_view::npos || colon > location.find_first_of("/?#")) return std::nullopt;
    return location.substr(0, colon);
}

/// Takes "." and ".." out.   Source: RFC 3986, 5.2.4
std::string normal_path(std::string_view path) {
    std::vector<std::string_view> names;
    bool is_directory = true;
    for (std::size_t at = 1; at <= path.size();) {
        auto const end = std::min(path.find('/', at), path.size());
        auto const part = path.substr(at, end - at);
        is_directory = end < path.size() || part == "." || part == ".." || part.empty();
        if (part == ".." && !names.empty()) names.pop_back();
        if (part != "." && part != ".." && !part.empty()) names.push_back(part);
        at = end + 1;
    }
    std::string made;
    for (auto const part : names) made.append("/").append(part);
    return is_directory || made.empty() ? made + "/" : made;
}

std::string relative_target(std::string_view from, std::string_view location) {
    auto const path = from.substr(0, from.find('?'));
    if (location.empty()) return std::string(from);
    if (location.starts_with('?')) return target_of(std::string(path).append(location));
    auto const query = std::min(location.find_first_of("?#"), location.size());
    auto const begin = location.starts_with('/') ? std::string_view() : path.substr(0, path.rfind('/') + 1);
    auto const whole = std::string(begin).append(location.substr(0, query));
    return target_of(normal_path(whole).append(location.substr(query)));
}

bool is_token(std::string_view name) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    auto const fits = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    };
    return !name.empty() && std::ranges::all_of(name, fits);
}

bool is_header_value(std::string_view value) {
    return std::ranges::all_of(value, [](unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); });
}

bool has(std::vector<http_header> const& headers, std::string_view name) {
    return std::ranges::any_of(headers, [&](auto const& each) { return is_same(each.name, name); });
}

/// Beast wants the blank before a reason that is not there; a client should do without.   Source: RFC 9112, section 4
void complete_status_line(std::string& head) {
    constexpr auto size = std::string_view("HTTP/1.1 200").size();
    if (head.size() > size && head.starts_with("HTTP/1.") && head[size] == '\r') head.insert(size, " ");
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

http_place place_of(http_action const& action, std::string const& address) {
    return {action.is_https, action.host.empty() ? address : action.host, action.port, target_of(action.path)};
}

std::optional<http_place> resolve_location(http_place const& from, std::string_view location) {
    if (auto const scheme = scheme_of(location)) {
        auto const is_https = is_same(*scheme, "https");
        if (!is_https && !is_same(*scheme, "http")) return std::nullopt;
        location.remove_prefix(scheme->size() + 1);
        if (!location.starts_with("//")) return std::nullopt;
        return resolve_from_authority(location, is_https);
    }
    if (location.starts_with("//")) return resolve_from_authority(location, from.is_https);
    auto place = from;
    place.target = relative_target(from.target, location);
    return place;
}

result<std::string> request_text(http_place const& to, std::vector<http_header> const& headers) {
    auto text = fmt::format("GET {} HTTP/1.1\r\n", to.target);
    if (!has(headers, "Host")) text += fmt::format("Host: {}\r\n", authority_of(to));
    if (!has(headers, "User-Agent")) text += "User-Agent: rik-probe/0.1\r\n";
    if (!has(headers, "Accept")) text += "Accept: */*\r\n";
    for (auto const& each : headers) {
        if (!is_token(each.name) || !is_header_value(each.value))
            return error{errc::invalid, fmt::format("the header {:?} cannot be sent", each.name)};
        // An empty one means: none.   Source: Kubernetes, "HTTP probes"
        if (!each.value.empty() && !is_same(each.name, "Connection"))
            text += fmt::format("{}: {}\r\n", each.name, each.value);
    }
    return text + "Connection: close\r\n\r\n";
}

class http_answer::parser : public http::response_parser<http::string_body> {};

http_answer::http_answer() : parser_(std::make_unique<parser>()) {
    parser_->header_limit(probe_head_bytes_max);
    parser_->body_limit(probe_body_bytes_max);
    parser_->eager(true);
}

http_answer::~http_answer() = default;

/// Returns whether to go on with what is left.
result<bool> http_answer::parse() {
    boost::system::error_code wrong;
    if (!parser_->is_header_done()) complete_status_line(head_);
    auto const taken = parser_->put(boost::asio::buffer(head_), wrong);
    head_.erase(0, taken);
    if (has_head()) {
        // What comes after it does not matter, and may be no HTTP.
        is_body_enough_ = wrong && wrong != http::error::need_more;
        return false;
    }
    if (parser_->is_header_done()) {
        if (++early_answers_ > early_answers_max) return error{errc::corrupt, "it answers with 1xx again and again"};
        parser_ = std::move(http_answer().parser_);
        return true;
    }
    if (wrong == http::error::header_limit) return error{errc::corrupt, "the head of its answer is too long"};
    if (wrong && wrong != http::error::need_more)
        return error{errc::corrupt, fmt::format("its answer is no HTTP: {}", wrong.message())};
    return false;
}

result<void> http_answer::take(std::string_view bytes) {
    head_.append(bytes);
    for (;;) {
        auto const again = parse();
        if (!again) return again.error();
        if (!*again) return {};
    }
}

bool http_answer::has_head() const {
    return parser_->is_header_done() && (status() < 100 || status() > 199 || status() == 101);
}
bool http_answer::is_over() const { return has_head() && (is_body_enough_ || parser_->is_done()); }
unsigned http_answer::status() const { return parser_->get().result_int(); }
std::string http_answer::location() const { return std::string(parser_->get()[http::field::location]); }

std::optional<http_place> redirected(http_place const& asked, http_answer const& answer) {
    if (!is_redirect(answer.status()) || answer.location().empty()) return std::nullopt;
    auto to = resolve_location(asked, answer.location());
    if (!to || !is_same(to->host, asked.host)) return std::nullopt;
    return to;
}

result<std::string> verdict_on(http_answer const& answer) {
    auto const status = answer.status();
    if (status < 200 || status >= 400) return error{errc::unavailable, fmt::format("HTTP {}", status)};
    if (is_redirect(status) && !answer.location().empty())
        return fmt::format("HTTP {}; it redirects to {}, which is another host and was not asked", status,
                           answer.location());
    return fmt::format("HTTP {}", status);
}

}  // namespace rik::detail
