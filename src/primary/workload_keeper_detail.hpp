// Keeps managed workloads: looks at those that are due, has their controllers plan, and carries the plans out.
#pragma once

#include "plan_writer_detail.hpp"
#include "replacement_guard_detail.hpp"
#include "workload_marker_detail.hpp"

#include <cstddef>
#include <map>
#include <vector>

namespace rik::detail {

/// What is due follows from the changes that are durable; what is planned, from the newest state. Use it from the
/// primary's strand only.
class workload_keeper {
public:
    workload_keeper(asio::any_io_executor strand, clock& time, cluster_state& state, plan_writer writer,
                    removals& leaving, log const& out)
        : strand_(strand),
          time_(time),
          state_(state),
          writer_(writer),
          removals_(leaving),
          out_(out),
          guard_(time, state, out),
          marker_(strand, time, state) {}

    /// Mark what follows from changes of workloads, instances and nodes. They return when the store has stopped.
    template <class Row>
    awaitable<> mark_changes();
    /// Looks at what is due. It never returns.
    awaitable<> run();

    /// What was on nodes that are gone is replaced, although there are so many. Errors: as replacement_guard::lift.
    awaitable<result<replacement_stop>> resume_replacement();

    /// Null: it is not managed, or nobody has looked at it yet. It may be ahead of what is durable.
    workload_progress const* find_progress(workload_id const& of) const;

private:
    template <class Row>
    void mark(row_change<Row> const& done);
    void drop_plan(row_change<instance> const& done);
    void look_at_absence();
    awaitable<> keep(workload_id which);
    /// A commit's worth; true if there is more. Errors: those of cluster_state::apply.
    result<bool> keep_slice(stored<workload> const& wanted);
    /// The next of what an earlier look has planned to create. Errors: those of cluster_state::apply.
    result<void> carry_on(stored<workload> const& wanted);
    /// Its time to live has passed. Errors: those of cluster_state::apply.
    result<bool> expire(stored<workload> const& wanted);
    void forget(workload_id const& which);

    asio::any_io_executor strand_;
    clock& time_;
    cluster_state& state_;
    plan_writer writer_;
    removals& removals_;
    log const& out_;
    replacement_guard guard_;
    workload_marker marker_;
    std::map<workload_id, workload_progress> progress_;
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
