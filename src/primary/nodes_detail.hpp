// Operations on nodes.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Only reads: nodes change by what is reported of them.
class primary_nodes final : public node_operations {
public:
    primary_nodes(asio::any_io_executor strand, gate& entrance, cluster_state& state)
        : strand_(strand), gate_(entrance), state_(state) {}

    awaitable<result<stored<node>>> get(caller who, object_ref which) override;
    awaitable<result<listing<node>>> list(caller who, page part) override;
    awaitable<result<std::vector<node_usage>>> usage(caller who, std::vector<node_id> which) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_after after) override;

private:
    asio::any_io_executor strand_;
    gate& gate_;
    cluster_state& state_;
};

}  // namespace rik::detail
