// The controller of CronJobs: a pure function from a CronJob and its Jobs to a plan. The arithmetic of times is in
// cron_times.hpp.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/controllers/controller.hpp>
#include <rik/controllers/cron_times.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/workload.hpp>
#include <rik/model/workload_progress.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

// Of the Jobs that a CronJob makes.   Source: Kubernetes, batch/v1 and kubectl create job --from
inline constexpr std::string_view scheduled_at_annotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
inline constexpr std::string_view instantiate_annotation = "cronjob.kubernetes.io/instantiate";  ///< "manual"

/// The Job `name` that `cron`, the definition of a CronJob, starts for `scheduled_at`; nullopt: because a user wants
/// it. It has the form of `cron`, and the labels and annotations of its jobTemplate. Errors: invalid, what the template
/// says makes no Job of this name.
result<workload_definition> job_of(workload_definition const& cron, std::string name,
                                   std::optional<wall_time> scheduled_at);

/// What is wrong with a CronJob that somebody wants: its time zone is not known here, or its template makes no Job.
/// What `before` has already is not looked at again: time zones vanish. A definition of another kind is right.
std::optional<error> check_cron_job(workload_definition const& wanted, workload_definition const* before = nullptr);

/// A Job of a CronJob, as its controller sees it. Texts belong to the caller, and must outlive the call.
struct seen_job {
    workload_id id = {};
    std::string_view name = {};
    cron_run::phase is = cron_run::phase::active;
    bool is_manual = false;  ///< a user has started it
    bool is_leaving = false;
    std::optional<wall_time> started_at = {};
    std::optional<wall_time> finished_at = {};
};
/// `progress`: what its own controller has said; null: nothing yet. It refers to `row`.
seen_job see_job(workload const& row, workload_progress const* progress);

struct cron_job_view {
    workload const& wanted;
    std::span<seen_job const> jobs = {};          ///< all that it owns
    std::span<seen_release const> releases = {};  ///< all of it
    wall_time now = {};
    workload_progress const* before = nullptr;  ///< what the last call has said; nullptr: there was none
};

struct job_to_start {
    workload_definition definition = {};
    wall_time scheduled_at = {};
};
struct job_to_remove {
    workload_id job = {};
    std::string why = {};  ///< one sentence for people
};
/// To be told once, however often it is found.
struct cron_remark {
    std::string reason = {};  ///< one word, as Kubernetes has it
    std::string message = {};
    bool is_warning = false;
    friend bool operator==(cron_remark const&, cron_remark const&) = default;
};

/// What must be done. `progress` is to be kept in the commit that makes the Job: it says for which time it was.
struct cron_job_plan {
    std::optional<job_to_start> start = {};
    std::vector<job_to_remove> replaced = {};   ///< before `start`, or with it
    std::vector<job_to_remove> forgotten = {};  ///< past the limits of the history
    std::vector<release_id> forgotten_releases = {};
    std::vector<cron_remark> remarks = {};
    workload_progress progress = {};
    std::optional<wall_time> look_again = {};
};

/// To be asked again at look_again, and when a Job of it ends, comes or goes. A Job that a user has started is no run:
/// Forbid does not wait for it, and Replace leaves it; it is active and in the history as the others are.
/// A CronJob whose time zone is not known starts nothing, and says so. Precondition: `wanted` is a CronJob.
/// Source: Kubernetes, pkg/controller/cronjob.
cron_job_plan plan_cron_job(cron_job_view const& of);

}  // namespace rik
