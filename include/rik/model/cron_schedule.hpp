// When a CronJob's runs are due: its fields, or a fixed interval, by the clocks of a time zone.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/schedule.hpp>
#include <rik/model/time_zone.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

namespace rik {

/// Times of a schedule that have come.
struct cron_times {
    std::optional<wall_time> newest = {};  ///< nullopt: none
    std::size_t count = 0;                 ///< up to what the caller wanted counted
    friend bool operator==(cron_times const&, cron_times const&) = default;
};

/// The times of a schedule. A value. Any thread.
///
/// By fields: a time is due at each start of a minute that matches the fields as the clocks of the zone show it, no
/// more and no less. So where the clocks are set forward, what is due within the hour that is left out does not
/// happen on that day (30 2 * * * in Europe/Berlin: not on 29 March 2026); where they are set back, what is due
/// within the hour that comes twice happens twice. This is what Kubernetes does (robfig/cron, version 3; its tests
/// name both), but for two of its defects: where clocks are set by half an hour (Australia/Lord_Howe) it also loses
/// minutes that do exist, and it gives up after five years, so that 29 February is lost around the year 2100.
///
/// By an interval (@every 1h30m): a time is due that long after the last one, whatever clocks show, in whole seconds.
class cron_schedule {
public:
    /// Reads what `civil_schedule::parse` does, or "@every " and an interval: numbers with h, m, s, ms, us and ns, of
    /// at least a second. `zone` is a name for `time_zone::open`; nullopt: UTC. Errors: invalid, with each field that
    /// is wrong and what would be right; also TZ= and CRON_TZ=, which Kubernetes refuses, too. Those of
    /// time_zone::open.
    static result<cron_schedule> parse(std::string_view text, std::optional<std::string_view> zone = std::nullopt);

    /// Returns the first time after `when`, which is the last time for an interval. nullopt: there is none within nine
    /// years (30 February), or `when` is not within the years 1 to 9999. Costs less than a microsecond (measured).
    std::optional<wall_time> next_after(wall_time when) const;

    /// Returns those that next_after gives from `after` on, one after the other, up to `until` itself. The newest is
    /// found at once, however many there are; only `count_max` are counted.
    cron_times times_in(wall_time after, wall_time until, std::size_t count_max) const;

    time_zone const& zone() const { return zone_; }

    friend bool operator==(cron_schedule const&, cron_schedule const&) = default;

private:
    std::optional<wall_time> newest_until(wall_time until, wall_time after) const;

    std::variant<civil_schedule, std::chrono::seconds> due_ = {};
    time_zone zone_ = {};
};

}  // namespace rik
