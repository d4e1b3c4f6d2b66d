#include <rik/controllers/cron_job.hpp>

#include "common_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rik {

namespace {

using std::chrono::sys_seconds;

result<cron_schedule> schedule_of(cron_job_upkeep const& of) {
    auto const zone = of.time_zone.empty() ? std::nullopt : std::optional<std::string_view>(of.time_zone);
    return cron_schedule::parse(of.schedule, zone);
}

/// Its second: schedules know no smaller parts.
sys_seconds second_of(wall_time when) { return std::chrono::floor<std::chrono::seconds>(when); }

/// RFC 3339, as the clocks of the zone show it: "2026-03-28T02:30:00+01:00".
std::string zoned_text(wall_time when, time_zone const& zone) {
    auto const at = second_of(when);
    auto const offset = zone.span_at(at).offset;
    auto const text = fmt::format("{:%Y-%m-%dT%H:%M:%S}", at + offset);
    if (offset == std::chrono::seconds()) return text + 'Z';
    auto const minutes = std::chrono::abs(std::chrono::floor<std::chrono::minutes>(offset)).count();
    return fmt::format("{}{}{:02}:{:02}", text, offset < std::chrono::seconds() ? '-' : '+', minutes / 60,
                       minutes % 60);
}

/// The zone of a definition that was accepted once may have vanished: UTC then.
time_zone zone_of(cron_job_upkeep const& of) {
    auto const zone = of.time_zone.empty() ? time_zone() : time_zone::open(of.time_zone);
    return zone ? *zone : time_zone();
}

std::string joined_names(std::vector<std::string_view> const& names) {
    constexpr std::size_t named_max = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), named_max); ++i)
        text += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
    if (names.size() > named_max) text += fmt::format(" and {} more", names.size() - named_max);
    return text;
}

}  // namespace

result<workload_definition> job_of(workload_definition const& cron, std::string name,
                                   std::optional<wall_time> scheduled_at) {
    auto made = cron;
    made.kind = workload_kind::job;
    made.name = std::move(name);
    made.labels = cron.upkeep.cron->job_labels;
    made.annotations = cron.upkeep.cron->job_annotations;
    if (scheduled_at)
        made.annotations.insert_or_assign(std::string(scheduled_at_annotation),
                                          zoned_text(*scheduled_at, zone_of(*cron.upkeep.cron)));
    else
        made.annotations.insert_or_assign(std::string(instantiate_annotation), "manual");
    made.upkeep.cron.reset();
    // What is stored is read again from its text: it must be right.
    auto parsed = parse_definition_json(definition_text(made));
    if (!parsed.found.empty()) return summarize(parsed.found);
    return std::move(parsed.definition);
}

std::optional<error> check_cron_job(workload_definition const& wanted, workload_definition const* before) {
    if (wanted.kind != workload_kind::cron_job) return std::nullopt;
    auto const& cron = *wanted.upkeep.cron;
    auto const is_known_zone = before != nullptr && before->upkeep.cron->time_zone == cron.time_zone;
    if (!is_known_zone && !cron.time_zone.empty()) {
        auto const zone = time_zone::open(cron.time_zone);
        if (!zone) {
            auto wrong = zone.error();
            wrong.message = fmt::format("CronJob {}: {}", wanted.name, wrong.message);
            if (wanted.form == definition_form::kubernetes) wrong.field = "spec." + wrong.field;
            return wrong;
        }
    }
    // Its first minute has as many digits as those of all Jobs for some hundred years.
    constexpr auto sample = wall_time(std::chrono::minutes(20'000'000));
    auto const job = job_of(wanted, cron_run_name(wanted.name, sample), sample);
    if (job) return std::nullopt;
    auto wrong = job.error();
    wrong.message = fmt::format("CronJob {} could make no Job: {}", wanted.name, wrong.message);
    return wrong;
}

seen_job see_job(workload const& row, workload_progress const* progress) {
    using enum workload_condition_type;
    seen_job seen{.id = row.id, .name = row.name};
    seen.is_manual = row.annotations().contains(std::string(instantiate_annotation));
    seen.is_leaving = row.deleting_since.has_value();
    if (progress == nullptr) return seen;
    if (progress->holds(complete)) seen.is = cron_run::phase::succeeded;
    if (progress->holds(failed)) seen.is = cron_run::phase::failed;
    if (!progress->job) return seen;
    seen.started_at = progress->job->started_at;
    seen.finished_at = progress->job->finished_at;
    return seen;
}

namespace {

class cron_planner {
public:
    cron_planner(cron_job_view const& of, cron_job_plan& plan)
        : of_(of), plan_(plan), wanted_(*of.wanted.definition->upkeep.cron) {}

    void plan() {
        tell_jobs();
        auto const schedule = schedule_of(wanted_);
        if (schedule)
            follow(*schedule);
        else
            hold_up(schedule.error());
        forget_old_releases();
    }

private:
    cron_progress& told() { return *plan_.progress.cron; }

    void remark(std::string reason, std::string message, bool is_warning = false) {
        plan_.remarks.push_back({std::move(reason), std::move(message), is_warning});
    }

    void tell_jobs() {
        auto& progress = plan_.progress;
        progress.release = of_.wanted.current_release;
        auto& cron = progress.cron.emplace();
        if (of_.before != nullptr && of_.before->cron) cron = *of_.before->cron;
        cron.next_run = std::nullopt;
        cron.active.clear();
        for (auto const& each : of_.jobs) {
            if (each.is == cron_run::phase::active) cron.active.emplace_back(each.name);
            if (each.is == cron_run::phase::succeeded && each.finished_at)
                cron.last_success = std::max(cron.last_success.value_or(*each.finished_at), *each.finished_at);
        }
    }

    cron_plan ask(cron_schedule const& schedule, cron_job_upkeep const& wanted) const {
        std::vector<cron_run> runs;
        for (auto const& each : of_.jobs)
            runs.push_back({each.name, each.is, each.is_leaving, each.started_at, each.is_manual});
        cron_moment const at{.schedule = schedule,
                             .wanted = wanted,
                             .created_at = of_.wanted.created_at,
                             .last_run = plan_.progress.cron->last_run,
                             .now = of_.now};
        return plan_cron_job(of_.wanted.name, at, runs);
    }

    void follow(cron_schedule const& schedule) {
        auto const asked = ask(schedule, wanted_);
        auto const& look = asked.look;
        auto const when = [&](wall_time at) { return zoned_text(at, schedule.zone()); };
        told().next_run = plan_.look_again = look.look_again;
        if (look.too_late)
            remark("MissSchedule",
                   fmt::format("the run of {} was not started in time (startingDeadlineSeconds)", when(*look.too_late)),
                   true);
        if (asked.waits_for_active) wait(*look.due, when(*look.due));
        if (look.is_behind_last_run) tell_clock(when(*told().last_run));
        if (asked.replaced.size() > limits::instances_per_slice_max) {
            replace_some(asked, when(*look.due));
            return forget(asked.forgotten);
        }
        if (asked.last_run) told().last_run = asked.last_run;
        if (asked.start) start(asked, when(asked.start->scheduled_at));
        forget(asked.forgotten);
    }

    /// Less than a minute is nothing that a person need know of.
    void tell_clock(std::string const& last) {
        if (*told().last_run <= of_.now + std::chrono::minutes(1)) return;
        plan_.progress.held_up = fmt::format(
            "the clock is behind its last run of {}: nothing is started before that; if the clock is right, delete it "
            "and create it again",
            last);
        remark("ClockIsBehind", plan_.progress.held_up, true);
    }

    /// As many as fit into a commit. The run is started when the rest is gone.
    void replace_some(cron_plan const& asked, std::string const& due) {
        for (std::size_t i = 0; i < limits::instances_per_slice_max; ++i) replace(asked, asked.replaced[i], due);
    }
    void replace(cron_plan const& asked, std::size_t at, std::string const& due) {
        auto const& each = of_.jobs[at];
        plan_.replaced.push_back(
            {each.id, fmt::format("{} takes its place (concurrencyPolicy Replace)", asked.start->name)});
        remark("SuccessfulDelete", fmt::format("deleted Job {}: the run of {} takes its place", each.name, due));
    }

    /// Precondition: a run is due that may not overlap another. It waits as long as it may be late.
    void wait(wall_time at, std::string const& due) {
        if (wanted_.starting_deadline) {
            auto const late = at + std::chrono::ceil<wall_time::duration>(*wanted_.starting_deadline);
            plan_.look_again = std::min(plan_.look_again.value_or(late), late);
        }
        std::vector<std::string_view> active;
        for (auto const& each : of_.jobs)
            if (each.is == cron_run::phase::active && !each.is_manual) active.push_back(each.name);
        plan_.progress.held_up =
            fmt::format("the run of {} waits for the end of {} (concurrencyPolicy Forbid)", due, joined_names(active));
        remark("JobAlreadyActive", plan_.progress.held_up);
    }

    void start(cron_plan const& asked, std::string const& due) {
        auto made = job_of(*of_.wanted.definition, asked.start->name, asked.start->scheduled_at);
        if (!made)
            return remark("FailedCreate",
                          fmt::format("the run of {} could not be started: {}", due, to_string(made.error())), true);
        if (asked.look.has_missed_too_many())
            remark("TooManyMissedTimes",
                   fmt::format("more than {} runs were missed up to that of {}, which is started: look at the clock, "
                               "the schedule and startingDeadlineSeconds",
                               missed_times_max, due),
                   true);
        for (auto const at : asked.replaced) replace(asked, at, due);
        remark("SuccessfulCreate", fmt::format("made Job {} for {}", asked.start->name, due));
        told().active.push_back(asked.start->name);
        plan_.start = job_to_start{std::move(*made), asked.start->scheduled_at};
    }

    void forget(std::vector<std::size_t> const& which) {
        for (auto const at : which)
            plan_.forgotten.push_back({of_.jobs[at].id, "its CronJob keeps newer ones, and no more (HistoryLimit)"});
    }

    /// What has ended is forgotten all the same.
    void hold_up(error const& why) {
        auto still = wanted_;
        still.is_suspended = true;
        forget(ask(cron_schedule(), still).forgotten);
        plan_.progress.held_up = fmt::format("nothing is started: {}", to_string(why));
        remark("UnknownTimeZone", plan_.progress.held_up, true);
    }

    void forget_old_releases() {
        workload_view const releases{.wanted = of_.wanted, .releases = of_.releases, .now = of_.now};
        workload_plan forgetting;
        detail::forget_releases(releases, of_.wanted.definition->upkeep.history_max, forgetting);
        plan_.forgotten_releases = std::move(forgetting.forgotten);
    }

    cron_job_view const& of_;
    cron_job_plan& plan_;
    cron_job_upkeep const& wanted_;
};

}  // namespace

cron_job_plan plan_cron_job(cron_job_view const& of) {
    cron_job_plan plan;
    cron_planner(of, plan).plan();
    plan.progress.generation = of.wanted.generation;
    auto const from = of.before == nullptr ? workload_state::active : of.before->state;
    plan.progress.state = next_state(from, of.before, plan.progress, of.wanted);
    return plan;
}

}  // namespace rik
