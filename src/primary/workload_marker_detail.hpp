// Which workloads their controllers must look at, because something of theirs has changed.
#pragma once

#include "cluster_state_detail.hpp"
#include "due_workloads_detail.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace rik::detail {

/// Use it from the primary's strand only.
class workload_marker {
public:
    workload_marker(asio::any_io_executor strand, clock& time, cluster_state const& state)
        : time_(time), state_(state), due_(std::move(strand), time) {}

    void mark_all();
    void mark(row_change<workload> const& done);
    void mark(row_change<instance> const& done);
    void mark(row_change<node> const& done);

    /// The next that is due. It is due no more.
    awaitable<workload_id> next() { return due_.next(); }
    void mark_again(workload_id const& which) { due_.mark(which); }
    void mark_at(workload_id const& which, time_point when) { due_.mark_at(which, when); }
    /// It was looked at, with so many of its instances. `look_again`: it is due then even if nothing changes.
    void rest(workload_id const& which, std::size_t instances_count, std::optional<wall_time> look_again);
    void forget(workload_id const& which);

private:
    void note(workload const& which);
    void mark_owner(workload_id const& which);
    void mark_owner_of(instance const& row);
    void mark_those_on(node_id const& where);
    void mark_daemon_sets();
    void mark_adopters(std::string const& tenant);
    bool is_adopter(instance const& row) const;

    clock& time_;
    cluster_state const& state_;
    due_workloads due_;
    std::set<workload_id> daemon_sets_;  ///< to be marked when a node changes, however many other workloads there are
    std::map<std::string, std::set<workload_id>> adopters_;  ///< by tenant: to be marked when an instance is nobody's
    /// A workload is not looked at again sooner than that, so that the news of one instance cost the same however many
    /// it has.
    std::map<workload_id, time_point> rests_until_;
};

}  // namespace rik::detail
