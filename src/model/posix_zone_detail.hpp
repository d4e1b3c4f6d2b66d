// The rule that holds after the last change of the clock that a file of the zone database lists.
#pragma once

#include <rik/model/time_zone.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rik::detail {

/// A rule such as CET-1CEST,M3.5.0,M10.5.0/3: the clocks are set on the same two days of each year, or never.
/// Source: POSIX, "Other Environment Variables", TZ; RFC 8536, section 3.3.1 (hours from -167 to 167).
class posix_zone {
public:
    /// nullopt: `text` is no such rule.
    static std::optional<posix_zone> parse(std::string_view text);

    /// Precondition: `when` is within the years 1 to 10000.
    zone_span span_at(std::chrono::sys_seconds when) const;

    /// A day of each year, and the time on it.
    struct yearly {
        enum class form : std::uint8_t { month, julian, zero_based };
        form by = form::month;
        unsigned month = 0;
        unsigned week = 0;    ///< 5: the last one
        unsigned number = 0;  ///< of the day: of the week, or of the year
        std::chrono::seconds time = std::chrono::hours(2);
        std::chrono::local_seconds in(std::chrono::year which) const;
    };

private:
    std::chrono::seconds standard_ = {};
    std::chrono::seconds summer_ = {};
    std::optional<yearly> summer_begins_ = {};  ///< nullopt: there is no summer time
    yearly summer_ends_ = {};
};

}  // namespace rik::detail
