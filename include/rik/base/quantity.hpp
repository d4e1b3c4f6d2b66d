// Kubernetes quantities ("500m", "64Mi", "1e3"), rounded up to whole units.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik {

/// Returns `text` in units of 1/`per_unit`: parse_quantity("1.5", 1000) is 1500; "64Mi" with 1 is 67108864. The value
/// is computed exactly and then rounded up, as in Kubernetes: with 1000, "0.30000000000000004" is 301. `per_unit` is
/// from 1 to 1000. A number may have a sign, any number of digits, and a point at either end. It may be followed by one
/// of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or by e or E with an exponent.  Source: Kubernetes API, resource.Quantity.
/// Errors: invalid, `text` is no quantity, is negative, or does not fit into 63 bits (Kubernetes would cap it).
result<std::int64_t> parse_quantity(std::string_view text, std::int64_t per_unit);

/// Writes bytes for people: "64Mi", "1.5Gi", "812Ki", "100".
std::string bytes_text(std::int64_t bytes);

/// Writes thousandths of a core for people: "500m", "2".
std::string milli_text(std::int64_t milli);

}  // namespace rik
