// The wires of a simulated cluster, and the contents of its disks: what outlives every process.
#pragma once

#include <rik/link/local_link.hpp>
#include <rik/sim/cluster.hpp>
#include <rik/store/memory_journal.hpp>

#include <deque>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace rik::sim {

/// A node's way to the scheduler; while it is cut nothing passes and nobody can dial.
class cuttable_uplink final : public connector<uplink_session> {
public:
    explicit cuttable_uplink(connector<uplink_session>& under) : under_(under) {}

    awaitable<result<std::unique_ptr<uplink_session>>> connect() override {
        if (is_cut_) co_return error{errc::unavailable, "the link is cut"};
        auto made = co_await under_.connect();
        if (!made) co_return made.error();
        co_return std::make_unique<tracked>(*this, std::move(*made));
    }

    void cut() {
        is_cut_ = true;
        for (auto* const each : open_) each->close();
    }
    void mend() { is_cut_ = false; }

private:
    class tracked final : public uplink_session {
    public:
        tracked(cuttable_uplink& over, std::unique_ptr<uplink_session> under) : over_(over), under_(std::move(under)) {
            over_.open_.insert(under_.get());
        }
        ~tracked() override { over_.open_.erase(under_.get()); }
        awaitable<result<void>> send(from_node message) override { return under_->send(std::move(message)); }
        awaitable<result<orders>> receive() override { return under_->receive(); }
        void close() override { under_->close(); }

    private:
        cuttable_uplink& over_;
        std::unique_ptr<uplink_session> under_;
    };

    connector<uplink_session>& under_;
    bool is_cut_ = false;
    std::set<uplink_session*> open_;
};

class cluster::links {
public:
    links(asio::any_io_executor executor, std::size_t node_count)
        : to_scheduler(executor),
          from_nodes(executor),
          streams(executor),
          primary_contents(std::make_shared<memory_disk>()) {
        for (std::size_t index = 0; index < node_count; ++index) {
            uplinks.emplace_back(from_nodes);
            node_contents.push_back(std::make_shared<memory_disk>());
        }
    }

    local_primary_edge to_scheduler;
    local_node_edge from_nodes;
    local_streams streams;
    std::deque<cuttable_uplink> uplinks;
    std::shared_ptr<memory_disk> primary_contents;
    std::vector<std::shared_ptr<memory_disk>> node_contents;
};

}  // namespace rik::sim
