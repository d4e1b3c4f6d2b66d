// Operations on events.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Only reads: events are written in the commits that they tell of.
class primary_events final : public event_operations {
public:
    primary_events(asio::any_io_executor strand, gate& entrance, cluster_state& state)
        : strand_(strand), gate_(entrance), state_(state) {}

    awaitable<result<listing<document>>> list(caller who, event_filter which) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, event_filter which, watch_after after) override;

private:
    asio::any_io_executor strand_;
    gate& gate_;
    cluster_state& state_;
};

}  // namespace rik::detail
