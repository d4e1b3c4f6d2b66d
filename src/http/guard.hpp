// Keeps pages in a browser away from a server that trusts its own machine.
#pragma once

#include "request_parser.hpp"

#include <rik/http/server.hpp>

#include <optional>

namespace rik::detail {

/// Why a request over TCP is refused: its Host is a name that is not ours (DNS rebinding), or a page of another origin
/// sends it (cross-site request forgery). nullopt if it is fine.   Source: RFC 6454; RFC 9110, section 7.2.
std::optional<http_refusal> check_host_and_origin(http_request const& request, http_options const& options);

}  // namespace rik::detail
