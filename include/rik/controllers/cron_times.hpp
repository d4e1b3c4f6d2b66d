// Which runs of a CronJob are to be started, ended and forgotten: pure decisions about times.
#pragma once

#include <rik/base/time.hpp>
#include <rik/model/cron_schedule.hpp>
#include <rik/model/upkeep.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// Past so many missed times the schedule, a deadline or a clock is probably not what was meant.
/// Source: Kubernetes, TooManyMissedTimes
inline constexpr std::size_t missed_times_max = 100;

struct cron_moment {
    cron_schedule const& schedule;
    cron_job_upkeep const& wanted;
    wall_time created_at = {};
    std::optional<wall_time> last_run = {};  ///< the time of the last run that was started; not when that happened
    wall_time now = {};
};

/// What a schedule says at a moment.
struct cron_look {
    std::optional<wall_time> due = {};  ///< the run that is to be started now: the newest one that has come
    /// The newest one that has come and is past the deadline. It is said at every look until the next time comes.
    std::optional<wall_time> too_late = {};
    /// Times that have come within the deadline since the last run, the due one included. They are counted up to one
    /// more than missed_times_max.
    std::size_t come_count = 0;
    /// The clock is behind the last run: it was set back, or was wrong before. Nothing is due until it is ahead again.
    bool is_behind_last_run = false;
    std::optional<wall_time> look_again = {};  ///< the next time; nullopt: it has none, or is suspended

    /// A warning only: the due run is started all the same.
    bool has_missed_too_many() const { return come_count > missed_times_max; }
    friend bool operator==(cron_look const&, cron_look const&) = default;
};

/// Times count from the last run on, or from the creation. However many were missed, only the newest is due, if it is
/// not older than the deadline. So a suspended CronJob that is resumed starts the newest run that it has missed.
/// A clock that jumps ahead makes one run due; one that jumps back none, since no run is started twice.
/// Two times within one minute have one name, so only the first is due (@every 20s starts a run a minute).
/// Source: Kubernetes, pkg/controller/cronjob. Unlike there, times are counted, not estimated, and a deadline does not
/// move the times of an interval: there `@every 1h` with a deadline of ten seconds never starts anything.
cron_look look_at_schedule(cron_moment const& at);

/// NAME-MINUTES, the minutes since 1970 in UTC: whoever starts a run twice, makes the same name twice.
/// Source: Kubernetes, getJobName
std::string cron_run_name(std::string_view cron_job, wall_time scheduled_at);

/// A Job of a CronJob. The name belongs to the caller.
struct cron_run {
    enum class phase : std::uint8_t { active, succeeded, failed };
    std::string_view name = {};
    phase is = phase::active;
    bool is_leaving = false;                   ///< its deletion is wanted
    std::optional<wall_time> started_at = {};  ///< nullopt: it never was
    bool is_manual = false;  ///< a user has started it: it is in the history, and nothing waits for it
};

struct cron_start {
    std::string name = {};
    wall_time scheduled_at = {};
    friend bool operator==(cron_start const&, cron_start const&) = default;
};

/// What must be done. Positions are those of the runs that were given.
struct cron_plan {
    std::optional<cron_start> start = {};
    std::vector<std::size_t> replaced = {};   ///< active ones that are deleted, and then the other is started
    std::vector<std::size_t> forgotten = {};  ///< finished ones past the limits, the oldest first
    /// What is to be kept as the last run, in the commit that makes it; nullopt: it stays.
    std::optional<wall_time> last_run = {};
    bool waits_for_active = false;  ///< a run is due, and another one is active that it may not overlap
    cron_look look = {};
    friend bool operator==(cron_plan const&, cron_plan const&) = default;
};

/// Everything about one CronJob. `runs` are all Jobs of it. To be asked again at look.look_again, and when a run ends
/// or goes: one that waits is started then, if its deadline permits it; when a newer time has come, that one is.
/// A run whose name exists is never started, whatever `last_run` says: then only `last_run` is set.
cron_plan plan_cron_job(std::string_view cron_job, cron_moment const& at, std::span<cron_run const> runs);

}  // namespace rik
