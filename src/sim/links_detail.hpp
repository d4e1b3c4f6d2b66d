// The wires of a simulated cluster, and the contents of its disks: what outlives every process.
#pragma once

#include "faulty_edge_detail.hpp"
#include "faulty_streams_detail.hpp"

#include <rik/sim/cluster.hpp>
#include <rik/store/memory_journal.hpp>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace rik::sim {

/// One line and all that runs over it.
struct node_wires {
    node_wires(world& in, local_node_edge& scheduler, local_streams& primary, duration delay_max)
        : uplink(in, scheduler, condition, delay_max), streams(in, primary, condition, delay_max) {}

    void cut() {
        condition.become(line::condition::cut);
        uplink.cut();
        streams.cut();
    }
    void silence() {
        condition.become(line::condition::silent);
        uplink.silence();
        streams.silence();
    }
    void mend() {
        condition.become(line::condition::up);
        uplink.mend();
        streams.mend();
    }

    line condition;
    faulty_edge<from_node, orders> uplink;
    faulty_dialer streams;
};

struct primary_wires {
    primary_wires(world& in, local_primary_edge& scheduler, duration delay_max)
        : uplink(in, scheduler, condition, delay_max) {}

    void cut() {
        condition.become(line::condition::cut);
        uplink.cut();
    }
    void silence() {
        condition.become(line::condition::silent);
        uplink.silence();
    }
    void mend() {
        condition.become(line::condition::up);
        uplink.mend();
    }

    line condition;
    faulty_edge<facts, reports> uplink;
};

class cluster::links {
public:
    links(world& in, cluster_options const& options)
        : from_primary(in.executor()),
          from_nodes(in.executor()),
          streams(in.executor()),
          at_primary(in, from_primary, options.link_delay_max),
          primary_contents(std::make_shared<memory_disk>()) {
        for (std::size_t index = 0; index < options.nodes; ++index) {
            at_node.emplace_back(in, from_nodes, streams, options.link_delay_max);
            node_contents.push_back(std::make_shared<memory_disk>());
        }
    }

    awaitable<> stop() {
        co_await at_primary.uplink.stop();
        for (auto& each : at_node) co_await each.uplink.stop();
    }

    // Where the scheduler, and for streams the primary, listens.
    local_primary_edge from_primary;
    local_node_edge from_nodes;
    local_streams streams;
    // What the others dial.
    primary_wires at_primary;
    std::deque<node_wires> at_node;

    std::shared_ptr<memory_disk> primary_contents;
    std::vector<std::shared_ptr<memory_disk>> node_contents;
};

}  // namespace rik::sim
