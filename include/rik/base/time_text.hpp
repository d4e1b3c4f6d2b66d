// Times and durations as people write them.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <string>
#include <string_view>

namespace rik {

/// RFC 3339 in UTC, in whole seconds, rounded up: "2026-11-21T19:19:39Z". For people: whoever looks then is not early.
std::string to_second_string(wall_time when);

/// Parses RFC 3339 with any offset from UTC: "2026-11-21T21:19:38+02:00". Errors: invalid, `text` is not such a time.
result<wall_time> parse_zoned_time(std::string_view text);

/// Parses "90s", "5m", "1h30m", "500ms"; a bare number is seconds. Errors: invalid.
result<duration> parse_duration(std::string_view text);

}  // namespace rik
