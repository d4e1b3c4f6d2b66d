// Is what came an answer of rik's API? Anything may listen on an address.
#pragma once

#include "client/http_exchange.hpp"

#include <rik/base/result.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace rik::detail {

/// "HOST:PORT is not rik's API: it answers with text/html".
error not_rik(server_address const& at, std::string_view why);

/// Errors: corrupt, `reply` is of none of `types`.
result<void> check_type(server_address const& at, http_exchange const& reply,
                        std::initializer_list<std::string_view> types);

/// Why rik has refused a request. A reply that is not rik's is said to be that; unavailable or timed_out then, if a
/// server in between may have sent it because rik cannot be reached, else corrupt.
error refusal_of(server_address const& at, http_exchange& reply, time_point deadline);

/// Errors: corrupt, `text` is no JSON object that has `member`.
result<void> check_member(server_address const& at, std::string_view text, std::string_view member);

/// The same for a list, which may be long: only its beginning is looked at.
result<void> check_list(server_address const& at, std::string_view text);

}  // namespace rik::detail
