// The five fields of a cron schedule: which minutes of a calendar they mean, whatever the zone.
#pragma once

#include <rik/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rik {

/// A minute as a clock on the wall shows it, whatever the zone.
using civil_minute = std::chrono::local_time<std::chrono::minutes>;

/// The minutes that five fields mean. A value; a default one means none. With a zone: `cron_schedule`.
class civil_schedule {
public:
    /// Reads five fields between blanks (minute, hour, day of the month, month, day of the week) or one of @yearly,
    /// @annually, @monthly, @weekly, @daily, @midnight and @hourly. A field is a list of *, ?, N, N-M, each with an
    /// optional /STEP; N/STEP goes from N to the end. Months and days of the week (0 is Sunday) also have the first
    /// three letters of their names, in any case. Errors: invalid, with each field that is wrong, and what would be
    /// right.   Source: Kubernetes, "CronJob"; its parser is that of robfig/cron, version 3. What that takes and
    /// does not mean (*-5, which is *; a lone comma, which is never) is refused.
    static result<civil_schedule> parse(std::string_view text);

    /// If both days are given, one of them is enough; a day that has * or ? without a larger step leaves it to the
    /// other.
    bool matches(civil_minute when) const;
    /// The first minute that matches, from `when` itself on, and the last one, up to `when` itself. nullopt: there is
    /// none within nine years (30 February; 29 February comes after eight at the latest), or `when` is not within the
    /// years 1 to 9999.
    std::optional<civil_minute> first_from(civil_minute when) const;
    std::optional<civil_minute> last_until(civil_minute when) const;

    friend bool operator==(civil_schedule const&, civil_schedule const&) = default;

private:
    std::uint64_t days_of(std::chrono::year_month month) const;
    std::optional<unsigned> first_minute_from(unsigned minute) const;
    std::optional<unsigned> last_minute_until(unsigned minute) const;

    std::uint64_t minutes_ = 0;  ///< a bit for each
    std::uint64_t hours_ = 0;
    std::uint64_t days_ = 0;
    std::uint64_t months_ = 0;
    std::uint64_t weekdays_ = 0;
    bool leaves_days_open_ = false;
    bool leaves_weekdays_open_ = false;
};

}  // namespace rik
