// From an HTTP reply that is no success to typed errors.
#pragma once

#include <rik/base/error.hpp>

#include <string_view>

namespace rik {

/// Everything that the body of a failed reply says is wrong; never empty. A body that is not rik's (another server, a
/// proxy) gives one error by the status.
problems parse_problems(unsigned status, std::string_view body);

}  // namespace rik
