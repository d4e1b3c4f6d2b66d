// Small questions about the text of HTTP messages.
#pragma once

#include <rik/base/error.hpp>
#include <rik/http/message.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// ASCII only, as header names and host names are.
bool equal_ignoring_case(std::string_view left, std::string_view right);

/// `text` without blanks at its ends.
std::string_view trim(std::string_view text);

/// "%2F" becomes '/'; nullopt if an escape is not two hex digits or stands for NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);

/// `text` for a message: what is no printable ASCII becomes '?'.
std::string quotable(std::string_view text);

/// Is `token` in a list with commas, ignoring case?
bool lists_token(std::string_view list, std::string_view token);

/// The protocols with which the client would go on, as a list with commas; empty if it asks for none.
/// Source: RFC 9110, section 7.8.
std::string protocols_asked_for(http_request const& request);

/// Fills `path` and `query` from `target`: "/path?query", "http://host/path?query" or "*".
/// The problem with it if there is one.   Source: RFC 9112, section 3.2.
std::optional<std::string> split_target(http_request& request);

/// The host of "host", "host:port" or "[ipv6]:port", without brackets; nullopt if it is none of these.
std::optional<std::string_view> host_of(std::string_view authority);

}  // namespace rik::detail
