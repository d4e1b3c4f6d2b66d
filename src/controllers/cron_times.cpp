#include <rik/controllers/cron_times.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

namespace rik {

namespace {

using minutes_of_name = std::chrono::sys_time<std::chrono::minutes>;

minutes_of_name minute_of(wall_time when) { return std::chrono::floor<std::chrono::minutes>(when); }

/// The first time after `from` whose run has another name than that of `made`.
std::optional<wall_time> next_name_after(cron_schedule const& schedule, wall_time from, std::optional<wall_time> made) {
    auto next = schedule.next_after(from);
    while (next && made && minute_of(*next) <= minute_of(*made)) next = schedule.next_after(*next);
    return next;
}

/// The oldest of those that ended as `which`, down to `kept`; those that never started are the newest.
/// Source: Kubernetes, byJobStartTime
void forget(std::span<cron_run const> runs, cron_run::phase which, std::size_t kept, std::vector<std::size_t>& into) {
    std::vector<std::size_t> ended;
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (runs[i].is == which && !runs[i].is_leaving) ended.push_back(i);
    if (ended.size() <= kept) return;
    auto const rank = [&](std::size_t i) {
        auto const& run = runs[i];
        return std::tuple(!run.started_at, run.started_at.value_or(wall_time()), run.name);
    };
    std::sort(ended.begin(), ended.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    ended.resize(ended.size() - kept);
    into.insert(into.end(), ended.begin(), ended.end());
}

bool has_name(std::span<cron_run const> runs, std::string_view name) {
    return std::any_of(runs.begin(), runs.end(), [&](cron_run const& each) { return each.name == name; });
}

/// Starts the due run, beside those that are active or instead of them, or lets it wait.
void plan_start(std::string_view cron_job, cron_moment const& at, std::span<cron_run const> runs, cron_plan& plan) {
    if (!plan.look.due) return;
    auto name = cron_run_name(cron_job, *plan.look.due);
    if (has_name(runs, name)) {
        plan.last_run = plan.look.due;
        return;
    }
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (runs[i].is == cron_run::phase::active && !runs[i].is_manual) active.push_back(i);
    if (at.wanted.concurrency == concurrency_policy::forbid && !active.empty()) {
        plan.waits_for_active = true;
        return;
    }
    if (at.wanted.concurrency == concurrency_policy::replace)
        std::copy_if(active.begin(), active.end(), std::back_inserter(plan.replaced),
                     [&](std::size_t i) { return !runs[i].is_leaving; });
    plan.start = cron_start{std::move(name), *plan.look.due};
    plan.last_run = plan.look.due;
}

}  // namespace

cron_look look_at_schedule(cron_moment const& at) {
    constexpr duration for_ever = std::chrono::years(100);
    cron_look look;
    look.is_behind_last_run = at.last_run && *at.last_run > at.now;
    if (at.wanted.is_suspended) return look;
    auto from = at.last_run.value_or(at.created_at);
    auto const come = at.schedule.times_in(from, at.now, 1).newest;
    auto const is_made = come && at.last_run && minute_of(*come) == minute_of(*at.last_run);
    look.look_again = next_name_after(at.schedule, come.value_or(from), come ? come : at.last_run);
    if (!come || is_made) return look;
    auto const patience = std::min(at.wanted.starting_deadline.value_or(for_ever), for_ever);
    auto const still_in_time = at.now - std::chrono::ceil<wall_time::duration>(patience);
    if (*come <= still_in_time) {
        look.too_late = come;
        return look;
    }
    from = at.schedule.times_in(from, still_in_time, 1).newest.value_or(from);
    look.due = come;
    look.come_count = at.schedule.times_in(from, at.now, missed_times_max + 1).count;
    return look;
}

std::string cron_run_name(std::string_view cron_job, wall_time scheduled_at) {
    return fmt::format("{}-{}", cron_job, minute_of(scheduled_at).time_since_epoch().count());
}

cron_plan plan_cron_job(std::string_view cron_job, cron_moment const& at, std::span<cron_run const> runs) {
    cron_plan plan{.look = look_at_schedule(at)};
    plan_start(cron_job, at, runs, plan);
    forget(runs, cron_run::phase::succeeded, at.wanted.successful_history_max, plan.forgotten);
    forget(runs, cron_run::phase::failed, at.wanted.failed_history_max, plan.forgotten);
    return plan;
}

}  // namespace rik
