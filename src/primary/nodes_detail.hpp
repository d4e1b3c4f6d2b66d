// Operations on nodes.
#pragma once

#include "event_writer_detail.hpp"
#include "gate_detail.hpp"
#include "node_registry_detail.hpp"
#include "removals_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Changes of a row only what operators want of the node; what is on it leaves through the removals.
class primary_nodes final : public node_operations {
public:
    primary_nodes(asio::any_io_executor strand, gate& entrance, clock& time, cluster_state& state, event_writer& events,
                  removals& leaving, node_registry const& registry)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          state_(state),
          events_(events),
          removals_(leaving),
          registry_(registry) {}

    awaitable<result<stored<node>>> update(caller who, object_ref which, node_change what,
                                           expected_revision expected) override;
    awaitable<result<drain_report>> drain(caller who, object_ref which, drain_options how) override;
    awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<std::vector<stored<instance>>>> declare_dead(caller who, object_ref which,
                                                                  std::string confirmation) override;
    awaitable<result<stored<node>>> get(caller who, object_ref which) override;
    awaitable<result<listing<node>>> list(caller who, node_filter which, page part) override;
    awaitable<result<std::vector<node_usage>>> usage(caller who, std::vector<node_id> which) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_after after) override;

private:
    awaitable<result<stored<node>>> update_here(object_ref which, node_change what, expected_revision expected);
    awaitable<result<drain_report>> drain_here(object_ref which, drain_options how);
    awaitable<result<void>> remove_here(object_ref which, expected_revision expected);
    awaitable<result<void>> leave(stored<node> row);
    awaitable<result<std::vector<stored<instance>>>> declare_dead_here(object_ref which, std::string confirmation);
    /// Applies what has changed of `before`, with an event. Errors: those of cluster_state::apply.
    result<void> put(stored<node> const& before, node next, std::string reason, std::string message);
    std::vector<stored<instance>> bound_to(node_id const& which) const;

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    removals& removals_;
    node_registry const& registry_;
};

}  // namespace rik::detail
