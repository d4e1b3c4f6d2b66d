// The wires of a simulated cluster, and the contents of its disks: what outlives every process.
#pragma once

#include "faulty_edge_detail.hpp"
#include "faulty_streams_detail.hpp"

#include <rik/sim/cluster.hpp>
#include <rik/store/memory_journal.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace rik::sim {

/// Dials whom it is told to dial.
template <class Session>
class switchboard final : public connector<Session> {
public:
    explicit switchboard(connector<Session>& to) : to_(&to) {}
    void turn_to(connector<Session>& to) { to_ = &to; }
    awaitable<result<std::unique_ptr<Session>>> connect() override { return to_->connect(); }

private:
    connector<Session>* to_;
};

/// Where a scheduler listens.
struct scheduler_doors {
    explicit scheduler_doors(asio::any_io_executor executor) : from_primary(executor), from_nodes(executor) {}
    local_primary_edge from_primary;
    local_node_edge from_nodes;
};

/// One line and all that runs over it.
struct node_wires {
    node_wires(world& in, local_node_edge& scheduler, local_streams& primary, duration delay_max)
        : board(scheduler), uplink(in, board, condition, delay_max), streams(in, primary, condition, delay_max) {
        uplink.watch([this](from_node const& said) { note(said); },
                     [this](orders const& told) { inventories_asked += told.send_inventory ? 1 : 0; });
    }

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

    void note(from_node const& said) {
        digest = std::visit([](auto const& message) { return message.digest; }, said);
    }
    /// Another scheduler than before. Whoever was there notices.
    void turn_to(local_node_edge& scheduler) {
        board.turn_to(scheduler);
        uplink.cut();
    }

    line condition;
    switchboard<uplink_session> board;
    faulty_edge<from_node, orders> uplink;
    faulty_dialer streams;
    held_digest digest;  ///< that was said last
    std::size_t inventories_asked = 0;
};

struct primary_wires {
    primary_wires(world& in, local_primary_edge& scheduler, duration delay_max)
        : board(scheduler), uplink(in, board, condition, delay_max) {}

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
    switchboard<scheduler_session> board;
    faulty_edge<facts, reports> uplink;
};

class cluster::links {
public:
    links(world& in, cluster_options const& options)
        : doors{{scheduler_doors(in.executor()), scheduler_doors(in.executor())}},
          streams(in.executor()),
          at_primary(in, doors[0].from_primary, options.link_delay_max),
          primary_contents(std::make_shared<memory_disk>()) {
        for (std::size_t index = 0; index < options.nodes; ++index) {
            at_node.emplace_back(in, doors[0].from_nodes, streams, options.link_delay_max);
            node_contents.push_back(std::make_shared<memory_disk>());
        }
    }

    awaitable<> stop() {
        co_await at_primary.uplink.stop();
        for (auto& each : at_node) co_await each.uplink.stop();
    }

    /// Of the scheduler that the primary knows.
    scheduler_doors& open_doors() { return doors.at(open_index); }
    /// Of one that was left behind.
    scheduler_doors& old_doors() { return doors.at(1 - open_index); }

    // Where schedulers, and for streams the primary, listen.
    std::array<scheduler_doors, 2> doors;
    std::size_t open_index = 0;
    local_streams streams;
    // What the others dial.
    primary_wires at_primary;
    std::deque<node_wires> at_node;

    std::shared_ptr<memory_disk> primary_contents;
    std::vector<std::shared_ptr<memory_disk>> node_contents;
};

}  // namespace rik::sim
