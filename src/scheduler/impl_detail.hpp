// The scheduler's parts on its strand: its cache of the store, the primary's session, the nodes' sessions.
#pragma once

#include "cache_detail.hpp"
#include "outbox_detail.hpp"

#include <rik/async/notifier.hpp>
#include <rik/async/task_group.hpp>
#include <rik/scheduler/scheduler.hpp>

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace rik {

class scheduler::impl {
public:
    impl(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options);
    void start();
    awaitable<> stop();

private:
    /// A node in session: its link, and what it must still be told.
    struct node_peer {
        node_peer(asio::any_io_executor strand, std::unique_ptr<node_session> session, hello said)
            : link(std::move(session)), greeting(std::move(said)), changed(std::move(strand)) {}

        std::unique_ptr<node_session> link;
        hello greeting;
        time_point heard_at = {};
        bool is_silent = false;   ///< closed because it was not heard for too long
        bool is_welcome = false;  ///< its first orders are due or sent
        bool needs_welcome = false;
        bool needs_inventory = false;
        bool is_closed = false;
        std::set<instance_id> strangers;   ///< what its inventory had of which the primary knows nothing (any more)
        std::map<instance_id, order> due;  ///< a set, not a queue: the newest order for each instance
        std::vector<stream_request> streams;
        notifier changed;
    };

    using peer_ptr = std::shared_ptr<node_peer>;

    // primary_side.cpp: facts in, reports out
    awaitable<> accept_primaries();
    awaitable<> serve_primary(std::shared_ptr<primary_session> link);
    void handle_facts(facts news);
    void forget_node(node_id const& which);
    void close_unregistered();
    awaitable<> send_reports();

    // node_side.cpp: one session for each node, orders out
    awaitable<> accept_nodes();
    awaitable<> serve_node(std::unique_ptr<node_session> link);
    bool admit(hello const& said);
    void welcome(node_peer& peer);
    void handle_held(node_peer& peer, held news);
    void settle_ready(node_peer const& peer);
    void remove_peer(peer_ptr const& peer);
    awaitable<> send_orders(peer_ptr peer);

    // scheduler.cpp
    awaitable<> place_pending();
    awaitable<> sweep();

    void stop_awaiting(node_id const& node);
    /// Reports nodes that were not heard for limits::unheard_after.
    void report_lost();
    /// Returns true if it was reported.
    bool report_if_lost(node_id const& node, time_point since);

    static void close(node_peer& peer);
    void report_node(node_report news);

    asio::any_io_executor strand_;
    scheduler_ports ports_;
    scheduler_options options_;
    detail::scheduler_cache cache_;
    std::shared_ptr<primary_session> primary_;
    std::map<node_id, peer_ptr> peers_;
    std::map<node_id, time_point> lost_at_;  ///< nodes without a session that were not yet reported unheard
    /// Registered when the scheduler learnt of the cluster, and not come yet: until they have, or are overdue, nobody
    /// is told that there is no room.
    std::set<node_id> awaited_;
    time_point awaited_until_ = {};
    detail::outbox outbox_;
    notifier place_due_;
    notifier report_due_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik
