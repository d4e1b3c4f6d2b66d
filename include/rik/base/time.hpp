// The types of time. Only a `clock` (async) says what time it is.
#pragma once

#include <rik/base/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace rik {

using duration = std::chrono::nanoseconds;

/// Monotonic; drives deadlines. Its zero means nothing outside of one process (or one simulated world).
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// Wall-clock time in UTC. May jump; is only stored and shown.
using wall_time = std::chrono::sys_time<std::chrono::microseconds>;

/// RFC 3339 in UTC with six decimals: "2026-11-21T19:19:38.579273Z".
std::string to_string(wall_time when);

/// Errors: invalid, `text` is not RFC 3339 in UTC.
result<wall_time> parse_wall_time(std::string_view text);

/// Writes `length` for people: "850ms", "12s", "3m20s", "5h", "12d"; two units at most.
std::string to_short_string(duration length);

}  // namespace rik
