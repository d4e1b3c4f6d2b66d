// Operations on what streams from an instance.
#pragma once

#include "cluster_state_detail.hpp"
#include "dispatcher_detail.hpp"
#include "gate_detail.hpp"
#include "node_streams_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Only reads the state.
class primary_streams final : public stream_operations {
public:
    primary_streams(asio::any_io_executor strand, gate& entrance, clock& time, cluster_state const& state,
                    dispatcher const& scheduler, node_streams& streams)
        : strand_(strand), gate_(entrance), time_(time), state_(state), dispatcher_(scheduler), streams_(streams) {}

    awaitable<result<std::unique_ptr<container_log_source>>> open_container_log(caller who,
                                                                                container_log_request what) override;

private:
    awaitable<result<std::unique_ptr<container_log_source>>> open_here(caller who, container_log_request what);

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    cluster_state const& state_;
    dispatcher const& dispatcher_;
    node_streams& streams_;
};

}  // namespace rik::detail
