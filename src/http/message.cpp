#include <rik/http/message.hpp>

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik {

namespace {

struct phrase {
    unsigned status_code;
    std::string_view text;
};

/// Source: RFC 9110, section 15; RFC 6585 for 429 and 431.
constexpr std::array phrases{
    phrase{101, "Switching Protocols"},
    phrase{200, "OK"},
    phrase{201, "Created"},
    phrase{202, "Accepted"},
    phrase{204, "No Content"},
    phrase{304, "Not Modified"},
    phrase{400, "Bad Request"},
    phrase{401, "Unauthorized"},
    phrase{403, "Forbidden"},
    phrase{404, "Not Found"},
    phrase{405, "Method Not Allowed"},
    phrase{406, "Not Acceptable"},
    phrase{408, "Request Timeout"},
    phrase{409, "Conflict"},
    phrase{410, "Gone"},
    phrase{411, "Length Required"},
    phrase{412, "Precondition Failed"},
    phrase{413, "Content Too Large"},
    phrase{414, "URI Too Long"},
    phrase{415, "Unsupported Media Type"},
    phrase{422, "Unprocessable Content"},
    phrase{426, "Upgrade Required"},
    phrase{429, "Too Many Requests"},
    phrase{431, "Request Header Fields Too Large"},
    phrase{500, "Internal Server Error"},
    phrase{501, "Not Implemented"},
    phrase{503, "Service Unavailable"},
    phrase{504, "Gateway Timeout"},
    phrase{505, "HTTP Version Not Supported"},
};

}  // namespace

std::optional<std::string_view> http_request::header(std::string_view name) const {
    auto const found = std::find_if(headers.begin(), headers.end(), [&](http_field const& field) {
        return detail::equal_ignoring_case(field.name, name);
    });
    if (found == headers.end()) return std::nullopt;
    return found->value;
}

std::optional<std::string_view> http_request::parameter(std::string_view name) const {
    auto const found =
        std::find_if(query.begin(), query.end(), [&](http_field const& field) { return field.name == name; });
    if (found == query.end()) return std::nullopt;
    return found->value;
}

bool http_request::asks_to_upgrade(std::string_view protocol) const {
    return detail::lists_token(detail::protocols_asked_for(*this), protocol);
}

awaitable<> body_source::run() { co_return; }

http_response make_response(unsigned status_code, std::string content_type, std::string body) {
    http_response made;
    made.status_code = status_code;
    made.content_type = std::move(content_type);
    made.body = std::move(body);
    return made;
}

std::string_view reason_phrase(unsigned status_code) {
    auto const found = std::find_if(phrases.begin(), phrases.end(),
                                    [&](phrase const& each) { return each.status_code == status_code; });
    return found == phrases.end() ? "Unknown" : found->text;
}

http_response http_handler::refusal(unsigned status_code, std::string_view message, std::string_view) {
    return make_response(status_code, "text/plain; charset=utf-8", fmt::format("{}\n", message));
}

}  // namespace rik
