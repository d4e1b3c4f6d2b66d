// What instances use: asked of all nodes at once.
#pragma once

#include "cluster_state_detail.hpp"
#include "dispatcher_detail.hpp"
#include "gate_detail.hpp"
#include "node_streams_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/primary/operations.hpp>

#include <string>
#include <vector>

namespace rik::detail {

/// Only reads the state.
class primary_usages final : public usage_operations {
public:
    primary_usages(asio::any_io_executor strand, gate& entrance, clock& time, cluster_state const& state,
                   dispatcher const& scheduler, node_streams& streams, instance_operations& instances)
        : strand_(std::move(strand)),
          gate_(entrance),
          time_(time),
          state_(state),
          dispatcher_(scheduler),
          streams_(streams),
          instances_(instances) {}

    awaitable<result<usage_report>> read(caller who, instance_filter which) override;

private:
    struct questions;

    awaitable<result<usage_report>> ask_nodes(std::vector<stored<instance>> rows);
    awaitable<> ask_into(node_id of, time_point deadline, questions& all);
    awaitable<result<std::vector<usage_row>>> ask(node_id of);
    std::string name_of(node_id of) const;

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    cluster_state const& state_;
    dispatcher const& dispatcher_;
    node_streams& streams_;
    instance_operations& instances_;
};

}  // namespace rik::detail
