// Cron schedules: at which minutes of a calendar something is due.
#pragma once

#include <rik/base/result.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rik {

/// A minute as a clock on the wall shows it, whatever the zone.
using civil_minute = std::chrono::local_time<std::chrono::minutes>;

/// The minutes of a schedule. A value.
class cron_schedule {
public:
    /// Reads five fields (minute, hour, day of the month, month, day of the week) or one of @yearly, @annually,
    /// @monthly,
    /// @weekly, @daily, @midnight and @hourly. A field is a list of *, ?, N, N-M, each with an optional /STEP; N/STEP
    /// goes from N to the end. Months and days of the week (0 is Sunday) also have the first three letters of their
    /// names, in any case. Errors: invalid, with the field that is wrong and why.
    /// Source: Kubernetes, "CronJob"; its parser is that of robfig/cron, version 3.
    static result<cron_schedule> parse(std::string_view text);

    /// If both days are given, one of them is enough; a day that begins with * or ? without a larger step leaves it to
    /// the other.
    bool matches(civil_minute when) const;
    /// Returns the first minute after `when` that matches; nullopt if there is none within five years (30 February).
    std::optional<civil_minute> next_after(civil_minute when) const;

    friend bool operator==(cron_schedule const&, cron_schedule const&) = default;

private:
    bool matches_day(std::chrono::local_days day) const;

    std::uint64_t minutes_ = 0;  ///< a bit for each
    std::uint64_t hours_ = 0;
    std::uint64_t days_ = 0;
    std::uint64_t months_ = 0;
    std::uint64_t weekdays_ = 0;
    bool leaves_days_open_ = false;
    bool leaves_weekdays_open_ = false;
};

}  // namespace rik
