// The scheduler's parts on its strand: its cache of the store, the primary's session, the nodes' sessions.
#pragma once

#include "cache_detail.hpp"
#include "hearing_detail.hpp"
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
    role_health health() const;

private:
    /// A node in session: its link, and what it must still be told.
    struct node_peer {
        node_peer(asio::any_io_executor strand, std::unique_ptr<node_session> session, hello said)
            : link(std::move(session)), greeting(std::move(said)), changed(std::move(strand)) {}

        std::unique_ptr<node_session> link;
        hello greeting;
        held_digest digest = {};          ///< of what it has said that it holds
        held_digest digest_at_beat = {};  ///< the same, at its last beat
        detail::inventory_need need = {};
        bool is_welcome = false;  ///< its first orders are due or sent
        bool needs_welcome = false;
        bool needs_inventory = false;
        bool is_inventory_due = false;                   ///< it was or is asked, and has not sent all of it
        std::map<instance_id, revision> inventory = {};  ///< the parts that have come
        std::string refusal = {};                        ///< to be said before its session ends
        bool is_closed = false;
        std::optional<node_metrics> metrics;
        std::set<instance_id> strangers;   ///< what its inventory had of which the primary knows nothing (any more)
        std::map<instance_id, order> due;  ///< a set, not a queue: the newest order for each instance
        std::vector<stream_request> streams;
        notifier changed;
    };

    using peer_ptr = std::shared_ptr<node_peer>;

    // primary_side.cpp: facts in, reports out
    awaitable<> accept_primaries();
    awaitable<> serve_primary(std::shared_ptr<primary_session> link);
    bool may_serve(facts const& first);
    void take_primary(std::shared_ptr<primary_session> link);
    void report_peers();
    void handle_facts(facts news);
    void forget_node(node_id const& which);
    void close_unregistered();
    awaitable<> send_reports();

    // node_side.cpp: one session for each node, orders out
    awaitable<> accept_nodes();
    awaitable<> serve_node(std::unique_ptr<node_session> link);
    awaitable<> refuse(std::unique_ptr<node_session> link, std::string why);
    peer_ptr add_peer(std::unique_ptr<node_session> link, hello said);
    /// Why a node cannot be served, for people.
    std::optional<std::string> refusal_of(hello const& said) const;
    void refuse_peer(node_peer& peer, std::string why);
    /// Returns true if a copy of the node's state directory may be in use on another machine: that one must not obey
    /// the same orders.
    bool is_elsewhere(hello const& said) const;
    void welcome(node_peer& peer);
    /// Why what a node says is more than is kept of it; nullopt if it is not.
    std::optional<std::string> excess_of(node_peer const& peer, held const& said) const;
    void handle_held(node_peer& peer, held news);
    void handle_inventory(node_peer& peer, held const& part);
    bool may_tell_of(node_peer const& peer, instance_id const& which);
    void handle_beat(node_peer& peer);
    bool is_as_believed(node_peer const& peer) const;
    /// Asks for its inventory if it differs from what the primary believes.
    void compare(node_peer& peer);
    static void ask_for_inventory(node_peer& peer);
    static void put_orders(node_peer& peer, std::vector<order> due);
    void settle_ready(node_peer const& peer);
    void remove_peer(peer_ptr const& peer);
    awaitable<> send_orders(peer_ptr peer);
    orders next_orders(node_peer& peer) const;

    // scheduler.cpp
    awaitable<> place_pending();
    awaitable<> sweep();

    awaitable<> watch_silence();

    void stop_awaiting(node_id const& node);
    void await_absent();
    void note_absent();
    void report_unheard();

    static void close(node_peer& peer);
    void report_node(node_report news);

    asio::any_io_executor strand_;
    scheduler_ports ports_;
    scheduler_options options_;
    detail::scheduler_cache cache_;
    std::shared_ptr<primary_session> primary_;
    std::map<node_id, peer_ptr> peers_;
    detail::hearing hearing_;    ///< of all nodes that are not known to be unheard, in session or not
    std::set<node_id> unheard_;  ///< and no primary was told of it
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
