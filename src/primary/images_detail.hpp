// Operations on the images of nodes: questions that a node answers on a stream.
#pragma once

#include "cluster_state_detail.hpp"
#include "dispatcher_detail.hpp"
#include "gate_detail.hpp"
#include "node_streams_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Only reads the state.
class primary_images final : public image_operations {
public:
    primary_images(gate& entrance, cluster_state const& state, dispatcher const& scheduler, node_streams& streams)
        : gate_(entrance), state_(state), dispatcher_(scheduler), streams_(streams) {}

    awaitable<result<std::vector<node_image>>> call(caller who, object_ref on, image_call what) override;

private:
    awaitable<result<std::vector<node_image>>> call_here(object_ref on, image_call what);

    gate& gate_;
    cluster_state const& state_;
    dispatcher const& dispatcher_;
    node_streams& streams_;
};

}  // namespace rik::detail
