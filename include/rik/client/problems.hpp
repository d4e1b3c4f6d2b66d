// Turns an HTTP reply that is not a success into typed errors.
#pragma once

#include <rik/base/error.hpp>

#include <string_view>

namespace rik {

/// Returns everything that is wrong by the body of a failed reply; never empty. A body that is not rik's (of another
/// server, or a proxy) gives one error, which follows from the status.
problems parse_problems(unsigned status, std::string_view body);

}  // namespace rik
