// Jobs: what is done about them, and what is said.
#include "job_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rik {

namespace detail {

namespace {

job_record const nothing_counted = {};

}  // namespace

job_sight::job_sight(workload_view const& view)
    : of(view),
      wanted(*view.wanted.definition->upkeep.job),
      counts(view.counts != nullptr ? *view.counts : nothing_counted) {
    for (auto const& each : view.instances) {
        if (!each.is_own) continue;
        if (is_active(each))
            active.push_back(&each);
        else if (!each.has_ended)
            leaving.push_back(&each);
    }
}

std::uint64_t job_sight::succeeded() const {
    return wanted.is_indexed() ? counts.completed.count_below(wanted.completions.value_or(0)) : counts.succeeded;
}

workload_condition const* job_sight::last(workload_condition_type type) const {
    return of.before == nullptr ? nullptr : of.before->find(type);
}

bool job_sight::held(workload_condition_type type) const { return of.before != nullptr && of.before->holds(type); }

}  // namespace detail

namespace {

using namespace detail;
using enum workload_condition_type;

class job_planner {
public:
    job_planner(workload_view const& of, workload_plan& plan) : seen_(of), plan_(plan) {}

    void plan() {
        tell_counts();
        auto& job = *plan_.progress.job;
        if (seen_.held(complete) || seen_.held(failed)) return rest();
        if (auto const ended = find_outcome(seen_, job.started_at)) return end(*ended);
        if (seen_.wanted.is_suspended) return suspend();
        if (seen_.held(suspended)) say(suspended, false, "JobResumed", "Job resumed");
        if (!job.started_at) job.started_at = seen_.of.now;
        look_again_at(plan_, deadline_of(seen_.wanted, job.started_at));
        plan_job_instances(seen_, plan_);
    }

private:
    void tell_counts() {
        auto& progress = plan_.progress;
        count_progress(seen_.of, seen_.active, plan_);
        progress.leaving = static_cast<std::int64_t>(seen_.leaving.size());
        auto const* const before = seen_.of.before;
        auto& job = progress.job.emplace();
        if (before != nullptr) progress.conditions = before->conditions;
        if (before != nullptr && before->job) {
            job.started_at = before->job->started_at;
            job.finished_at = before->job->finished_at;
        }
        job.succeeded = seen_.succeeded();
        job.failed = seen_.counts.failed;
        job.ignored = seen_.counts.ignored;
        job.completed_indexes = seen_.counts.completed;
        job.failed_indexes = seen_.counts.failed_indexes;
    }

    /// One that says the same as the last is as old as that.
    void say(workload_condition_type type, bool is_so, std::string_view reason, std::string_view message) {
        auto const status = is_so ? condition_status::yes : condition_status::no;
        auto const now = seen_.of.now;
        workload_condition made{type, status, std::string(reason), std::string(message), now, now};
        auto const* const before = seen_.last(type);
        if (before != nullptr && before->status == status) {
            made.since = before->since;
            if (before->reason == reason && before->message == message) made.updated_at = before->updated_at;
        }
        auto& all = plan_.progress.conditions;
        std::erase_if(all, [&](auto const& each) { return each.type == type; });
        all.push_back(std::move(made));
    }

    void remove_all(std::string const& why, bool is_excused) {
        for (auto const* each : seen_.active) remove_of_job(seen_, plan_, *each, why, is_excused);
    }

    /// It has come to its end when nothing of it runs any more.
    void end(job_outcome const& how) {
        auto const is_success = how.target == success_criteria_met;
        say(how.target, true, how.reason, how.message);
        remove_all(
            is_success ? std::string("The Job has succeeded.") : fmt::format("The Job has failed: {}.", how.reason),
            is_success);
        if (!seen_.active.empty() || !seen_.leaving.empty()) return;
        say(is_success ? complete : failed, true, how.reason, how.message);
        plan_.progress.is_complete = is_success;
        plan_.progress.job->finished_at = seen_.of.now;
        look_again_at(plan_, over_at());
    }

    /// When its time to live passes.
    std::optional<wall_time> over_at() const {
        auto const& finished_at = plan_.progress.job->finished_at;
        if (!seen_.wanted.time_to_live || !finished_at) return std::nullopt;
        return *finished_at + std::chrono::ceil<wall_time::duration>(*seen_.wanted.time_to_live);
    }

    void rest() {
        plan_.progress.is_complete = seen_.held(complete);
        auto const when = over_at();
        plan_.is_over = when && *when <= seen_.of.now;
        look_again_at(plan_, when);
    }

    void suspend() {
        say(suspended, true, "JobSuspended", "Job suspended");
        plan_.progress.job->started_at = std::nullopt;
        remove_all("The Job is suspended.", true);
    }

    job_sight const seen_;
    workload_plan& plan_;
};

}  // namespace

workload_plan plan_job(workload_view const& of) {
    workload_plan plan;
    job_planner(of, plan).plan();
    forget_releases(of, of.wanted.definition->upkeep.history_max, plan);
    return plan;
}

}  // namespace rik
