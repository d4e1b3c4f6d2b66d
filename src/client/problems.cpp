#include <rik/client/problems.hpp>

#include "client/json_view.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace rik {

namespace {

using detail::text_at;

constexpr std::array codes{errc::invalid,     errc::not_found, errc::conflict, errc::exhausted,   errc::denied,
                           errc::unavailable, errc::timed_out, errc::corrupt,  errc::unsupported, errc::internal};

std::optional<errc> parse_code(std::string_view text) {
    for (auto const code : codes) {
        if (text == to_string(code)) return code;
    }
    return std::nullopt;
}

/// For replies that are not rik's, and for what HTTP itself refuses.
errc code_by_status(unsigned status) {
    switch (status) {
        case 401:
        case 403: return errc::denied;
        case 404: return errc::not_found;
        case 409: return errc::conflict;
        case 429: return errc::exhausted;
        case 501: return errc::unsupported;
        case 502:
        case 503: return errc::unavailable;
        case 408:
        case 504: return errc::timed_out;
        default: return status >= 400 && status < 500 ? errc::invalid : errc::internal;
    }
}

error to_error(boost::json::object const& from, unsigned status) {
    return error{parse_code(text_at(from, "code")).value_or(code_by_status(status)), text_at(from, "message"),
                 text_at(from, "field"), text_at(from, "remedy")};
}

error foreign(unsigned status, std::string_view body) {
    auto const line = body.substr(0, body.find_first_of("\r\n")).substr(0, 200);
    if (line.empty() || line.starts_with('<') || line.starts_with('{'))
        return error{code_by_status(status), fmt::format("the server answered with HTTP status {}", status)};
    return error{code_by_status(status), std::string(line)};
}

}  // namespace

problems parse_problems(unsigned status, std::string_view body) {
    auto const object = detail::parse_object(body);
    problems found;
    if (object) {
        for (auto const* each : detail::objects_at(*object, "problems")) found.push_back(to_error(*each, status));
        auto const& main = detail::object_at(*object, "error");
        if (found.empty() && !main.empty()) found.push_back(to_error(main, status));
    }
    if (found.empty()) found.push_back(foreign(status, body));
    return found;
}

}  // namespace rik
