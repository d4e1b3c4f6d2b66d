// What the primary says of nodes while no scheduler tells of them.
#pragma once

#include "cluster_state_detail.hpp"
#include "node_registry_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/log.hpp>

namespace rik::detail {

/// Says of every node that it is not heard, once no scheduler has been there for some time. The next scheduler's first
/// reports say otherwise.
class scheduler_absence {
public:
    scheduler_absence(asio::any_io_executor strand, clock& time, cluster_state& state, node_registry& nodes,
                      duration patience, log const& out)
        : strand_(strand), time_(time), state_(state), nodes_(nodes), patience_(patience), out_(out), lost_(strand) {}

    /// It has its time to hear nodes and to report them, once: whoever connects again and again and reports nothing is
    /// no scheduler of ours.
    void note_connected();
    void note_reported();
    void note_lost();
    /// A scheduler is connected, and has reported something.
    bool is_there() const { return is_there_; }
    /// Until cancelled, or the store stops.
    awaitable<> watch();

private:
    awaitable<result<void>> mark_nodes();

    asio::any_io_executor strand_;
    clock& time_;
    cluster_state& state_;
    node_registry& nodes_;
    duration patience_;
    log const& out_;
    bool is_there_ = false;      ///< a session in which something was reported
    bool was_extended_ = false;  ///< this absence
    time_point since_ = {};
    notifier lost_;
};

}  // namespace rik::detail
