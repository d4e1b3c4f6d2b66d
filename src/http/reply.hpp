// The bytes of a reply's head and chunks.
#pragma once

#include <rik/http/message.hpp>

#include <rik/base/time.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

/// What the head of a reply depends on besides the response.
struct reply_form {
    bool is_head = false;      ///< the request was HEAD: no body follows
    bool is_http_1_0 = false;  ///< no chunks; the end of the connection is the end of a stream
    bool keeps_alive = true;
};

/// Does a response of that status have no body at all?   Source: RFC 9110, section 6.4.1.
constexpr bool is_bodyless(unsigned status_code) {
    return status_code < 200 || status_code == 204 || status_code == 304;
}

/// Status line and header fields up to the empty line. `date` is an HTTP date.
std::string head_text(http_response const& response, reply_form form, std::string_view date);

/// "Sun, 06 Nov 1994 08:49:37 GMT".   Source: RFC 9110, section 5.6.7.
std::string date_text(std::chrono::sys_seconds when);

std::string chunk_text(std::string_view piece);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace rik::detail
