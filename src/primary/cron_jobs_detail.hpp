// CronJobs: their Jobs are started and ended as their controller says.
#pragma once

#include "removals_detail.hpp"
#include "workload_creation_detail.hpp"
#include "workload_scene_detail.hpp"

#include <rik/base/log.hpp>
#include <rik/controllers/cron_job.hpp>

#include <map>
#include <optional>
#include <vector>

namespace rik::detail {

/// What workloads are known to be, as their controllers have said.
using known_progress = std::map<workload_id, workload_progress>;

/// Adds to transactions; it commits nothing. Use it from the primary's strand only.
class cron_jobs {
public:
    cron_jobs(clock& time, cluster_state& state, event_writer& events, workload_creation& creation, removals& leaving,
              log const& out)
        : time_(time), state_(state), events_(events), creation_(creation), removals_(leaving), out_(out) {}

    /// What has become of a CronJob.
    struct outcome {
        workload_progress progress = {};
        std::optional<wall_time> look_again = {};
        bool has_more = false;  ///< what is to be done does not fit into one commit
    };
    /// Adds what the controller of `wanted` plans: the Job that is due, the Jobs that go, and what is kept of that. It
    /// belongs into one commit: so no crash starts a run twice.
    outcome write(stored<workload> const& wanted, known_progress const& known, transaction& into);

    /// Tells the CronJob of `job`, if it has one, how it has ended.
    void note_end(workload const& job, workload_progress const& ended, transaction& into);

private:
    struct scene;
    scene look_at(stored<workload> const& wanted, known_progress const& known) const;
    void write_start(scene& of, cron_job_plan& plan, transaction& into);
    bool write_removals(scene const& of, cron_job_plan const& plan, transaction& into);
    void write_remarks(scene& of, std::vector<cron_remark> const& remarks, transaction& into);
    void write_record(scene& of, cron_job_plan const& plan, transaction& into);

    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    workload_creation& creation_;
    removals& removals_;
    log const& out_;
};

/// Returns true if a Job of which this is said has succeeded or failed.
bool has_ended(workload_progress const& job);

/// Marks the Jobs of a CronJob that is being deleted and takes away their instances, or lets go of them, slice by
/// slice. Of other workloads there are none. Errors: those of cluster_state::commit.
awaitable<result<void>> remove_jobs_of(cluster_state& state, removals& leaving, workload_id which);

}  // namespace rik::detail
