// Reads what the scheduler reports, slice by slice.
#pragma once

#include "bindings_detail.hpp"
#include "dispatcher_detail.hpp"
#include "node_registry_detail.hpp"

namespace rik::detail {

/// It decides nothing: the registry and the bindings handle what is reported, one report after the other.
class report_reader {
public:
    report_reader(asio::any_io_executor strand, cluster_state& state, node_registry& nodes, bindings& bound,
                  removals& leaving, due_facts& due, scheduler_absence& absence, log const& out)
        : strand_(strand),
          state_(state),
          nodes_(nodes),
          bindings_(bound),
          removals_(leaving),
          due_(due),
          absence_(absence),
          out_(out) {}

    /// Until the session ends. A report that cannot be taken is not forgotten: the session ends, and at the next one
    /// everything is said again.
    awaitable<> read(connection_ptr from);

private:
    awaitable<result<void>> handle(connection_ptr from, reports news);
    template <class Report, class Handler>
    awaitable<result<void>> handle_slices(connection_ptr from, std::vector<Report> all, Handler& handler);

    asio::any_io_executor strand_;
    cluster_state& state_;
    node_registry& nodes_;
    bindings& bindings_;
    removals& removals_;
    due_facts& due_;
    scheduler_absence& absence_;
    log const& out_;
};

}  // namespace rik::detail
