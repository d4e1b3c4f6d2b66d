// Which workloads their controllers must look at: now, or at a time.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/id.hpp>

#include <deque>
#include <map>
#include <set>
#include <utility>

namespace rik::detail {

/// What is marked a thousand times is looked at once; who was marked first is looked at first. Use it from one strand
/// only.
class due_workloads {
public:
    due_workloads(asio::any_io_executor strand, clock& time) : time_(time), marked_(strand) {}

    void mark(workload_id const& which);
    /// Replaces what was said of this workload before; one that is due now stays so.
    void mark_at(workload_id const& which, time_point when);
    void forget(workload_id const& which);
    /// The next that is due. It is due no more.
    awaitable<workload_id> next();

private:
    void forget_time(workload_id const& which);
    void take_those_whose_time_has_come();
    awaitable<> wait_for_more();

    clock& time_;
    notifier marked_;
    std::set<workload_id> now_;
    std::deque<workload_id> order_;  ///< of those, and of some that were forgotten
    std::map<workload_id, time_point> later_;
    std::set<std::pair<time_point, workload_id>> by_time_;  ///< the same
};

}  // namespace rik::detail
