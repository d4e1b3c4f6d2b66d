// Keeps managed workloads: looks at those that are due, has their controllers plan, and carries the plans out.
#pragma once

#include "due_workloads_detail.hpp"
#include "plan_writer_detail.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <vector>

namespace rik::detail {

/// What is due follows from the changes that are durable; what is planned, from the newest state. Use it from the
/// primary's strand only.
class workload_keeper {
public:
    workload_keeper(asio::any_io_executor strand, clock& time, cluster_state& state, plan_writer writer, log const& out)
        : strand_(strand), time_(time), state_(state), writer_(writer), out_(out), due_(strand, time) {}

    /// Mark what follows from changes of workloads, instances and nodes. They return when the store has stopped.
    template <class Row>
    awaitable<> mark_changes();
    /// Looks at what is due. It never returns.
    awaitable<> run();

    /// Null: it is not managed, or nobody has looked at it yet. It may be ahead of what is durable.
    workload_progress const* find_progress(workload_id const& of) const;

private:
    void mark_all();
    void mark(row_change<workload> const& done);
    void mark(row_change<instance> const& done);
    void mark(row_change<node> const& done);
    void mark_owner(workload_id const& which);
    void mark_daemon_sets();
    void note(workload const& which);
    void mark_those_on(node_id const& where);
    awaitable<> keep(workload_id which);
    /// A commit's worth; true if there is more. Errors: those of cluster_state::apply.
    result<bool> keep_slice(stored<workload> const& wanted);
    /// The next of what an earlier look has planned to create. Errors: those of cluster_state::apply.
    result<void> carry_on(stored<workload> const& wanted);
    void rest(workload_id const& which, std::size_t instances_count, std::optional<wall_time> look_again);
    void forget(workload_id const& which);

    asio::any_io_executor strand_;
    clock& time_;
    cluster_state& state_;
    plan_writer writer_;
    log const& out_;
    due_workloads due_;
    std::map<workload_id, workload_progress> progress_;
    /// Creations that were planned and did not go into one commit. They stay right as long as the workload is the same
    /// and none of its instances ceases to count, so that a workload of thousands is not looked at for each slice.
    struct planned_creations {
        revision wanted_at = 0;
        std::vector<to_create> all = {};
        std::size_t done_count = 0;
    };
    std::map<workload_id, planned_creations> planned_;
    std::set<workload_id> daemon_sets_;  ///< to be marked when a node changes, however many other workloads there are
    /// A workload is not looked at again sooner than that, so that the news of one instance cost the same however many
    /// it has.
    std::map<workload_id, time_point> rests_until_;
};

}  // namespace rik::detail
