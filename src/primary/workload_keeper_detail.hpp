// Keeps managed workloads: looks at those that are due, has their controllers plan, and carries the plans out.
#pragma once

#include "cron_jobs_detail.hpp"
#include "plan_writer_detail.hpp"
#include "replacement_guard_detail.hpp"
#include "workload_marker_detail.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace rik::detail {

/// What is due follows from the changes that are durable; what is planned, from the newest state. Use it from the
/// primary's strand only.
class workload_keeper {
public:
    workload_keeper(asio::any_io_executor strand, clock& time, cluster_state& state, plan_writer writer,
                    cron_jobs of_cron_jobs, removals& leaving, replacement_guard guard, log const& out)
        : strand_(strand),
          time_(time),
          state_(state),
          writer_(writer),
          cron_jobs_(of_cron_jobs),
          removals_(leaving),
          out_(out),
          guard_(guard),
          marker_(strand, time, state) {}

    /// Mark what follows from changes of workloads, instances and nodes. They return when the store has stopped.
    template <class Row>
    awaitable<> mark_changes();
    /// Looks at what is due. It never returns.
    awaitable<> run();

    /// All that is managed is looked at: the wall clock was set, so that times have come or have not.
    void look_at_all() { marker_.mark_all(); }

    /// What was on nodes that are gone is replaced, although there are so many. Errors: as replacement_guard::lift.
    awaitable<result<replacement_stop>> resume_replacement();

    /// Null: it is not managed, or nobody has looked at it yet. It may be ahead of what is durable.
    workload_progress const* find_progress(workload_id const& of) const;
    /// How often a workload was looked at. What waits costs none.
    std::uint64_t looks_count() const { return looks_count_; }

private:
    template <class Row>
    void mark(row_change<Row> const& done);
    void drop_plan(row_change<instance> const& done);
    void look_at_absence();
    awaitable<> keep(workload_id which);
    /// A commit's worth; true if there is more. Errors: those of cluster_state::apply.
    result<bool> keep_slice(stored<workload> const& wanted);
    /// The same of a CronJob.
    result<bool> keep_cron_job(stored<workload> const& wanted);
    /// The next of what an earlier look has planned to create. Errors: those of cluster_state::apply.
    result<void> carry_on(stored<workload> const& wanted);
    /// Of a workload that rests, so that its instances need not be seen; null: they must be.
    instance_counts const* counts_at_rest(stored<workload> const& wanted) const;
    void note_rest(workload_scene const& scene, rik::workload_plan const& plan);
    /// Its time to live has passed. Errors: those of cluster_state::apply.
    result<bool> expire(stored<workload> const& wanted);
    void forget(workload_id const& which);

    asio::any_io_executor strand_;
    clock& time_;
    cluster_state& state_;
    plan_writer writer_;
    cron_jobs cron_jobs_;
    removals& removals_;
    log const& out_;
    replacement_guard guard_;
    workload_marker marker_;
    known_progress progress_;
    std::uint64_t looks_count_ = 0;
    /// Those that have come to rest, at these revisions of theirs. From then on their counts say whether they still
    /// rest.
    std::map<workload_id, revision> resting_;
    /// Creations that were planned and did not go into one commit. They stay right as long as the workload is the same
    /// and none of its instances ceases to count, so that a workload of thousands is not looked at for each slice.
    struct planned_creations {
        revision wanted_at = 0;
        std::vector<to_create> all = {};
        std::size_t done_count = 0;
    };
    std::map<workload_id, planned_creations> planned_;
};

}  // namespace rik::detail
