#include <rik/scheduler/scheduler.hpp>

#include "image_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/limits.hpp>

#include <map>
#include <utility>

namespace rik {

namespace {

/// A node in session: its link, and what it must still be told.
struct node_peer {
    node_peer(asio::any_io_executor strand, std::unique_ptr<node_session> session, hello said)
        : link(std::move(session)), greeting(std::move(said)), changed(std::move(strand)) {}

    std::unique_ptr<node_session> link;
    hello greeting;
    time_point heard_at = {};
    bool is_welcome = false;  ///< its first orders are due or sent
    bool needs_welcome = false;
    bool needs_inventory = false;
    bool is_closed = false;
    std::map<instance_id, order> due;  ///< a set, not a queue: the newest order for each instance
    std::vector<stream_request> streams;
    notifier changed;
};

using peer_ptr = std::shared_ptr<node_peer>;

/// Reports that are due to the primary; of each instance only the newest state.
struct outbox {
    reports due;
    std::map<instance_id, status_report> states;
    std::map<node_id, node_report> nodes;

    bool empty() const { return due.empty() && states.empty() && nodes.empty(); }

    reports take() {
        auto all = std::exchange(due, {});
        for (auto& [id, state] : states) all.states.push_back(std::move(state));
        for (auto& [id, node] : nodes) all.nodes.push_back(std::move(node));
        states.clear();
        nodes.clear();
        return all;
    }
};

}  // namespace

class scheduler::impl {
public:
    impl(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options)
        : strand_(strand),
          ports_(ports),
          options_(std::move(options)),
          place_due_(strand),
          report_due_(strand),
          tasks_(strand) {}

    void start() {
        tasks_.spawn(accept_primaries());
        tasks_.spawn(accept_nodes());
        tasks_.spawn(place_pending());
        tasks_.spawn(send_reports());
        tasks_.spawn(sweep());
    }

    awaitable<> stop() {
        for (auto const& [id, peer] : peers_) close(*peer);
        if (primary_) primary_->close();
        co_await tasks_.stop();
    }

private:
    // The primary's side.
    awaitable<> accept_primaries();
    awaitable<> serve_primary(std::shared_ptr<primary_session> link);
    void take(facts news, bool is_first);
    awaitable<> send_reports();

    // The nodes' side.
    awaitable<> accept_nodes();
    awaitable<> serve_node(std::unique_ptr<node_session> link);
    bool admit(hello const& said);
    void welcome(node_peer& peer);
    void take(node_peer& peer, held news);
    void take_leave(peer_ptr const& peer);
    awaitable<> send_orders(peer_ptr peer);

    awaitable<> place_pending();
    awaitable<> sweep();

    static void close(node_peer& peer) {
        peer.is_closed = true;
        peer.link->close();
        peer.changed.notify();
    }
    void report_node(node_id const& node, node_report news) {
        outbox_.nodes[node] = std::move(news);
        report_due_.notify();
    }

    asio::any_io_executor strand_;
    scheduler_ports ports_;
    scheduler_options options_;
    detail::scheduler_image image_;
    std::shared_ptr<primary_session> primary_;
    std::map<node_id, peer_ptr> peers_;
    std::map<node_id, time_point> lost_at_;  ///< nodes without a session that were not yet reported unheard
    outbox outbox_;
    notifier place_due_;
    notifier report_due_;
    task_group tasks_;  // last member: the tasks use everything above
};

awaitable<> scheduler::impl::accept_primaries() {
    for (;;) {
        auto link = co_await ports_.primaries.accept();
        if (!link) co_return;
        // A newer session replaces the old one; what the old one still says is true but old.
        if (primary_) primary_->close();
        primary_ = std::move(*link);
        tasks_.spawn(serve_primary(primary_));
    }
}

awaitable<> scheduler::impl::serve_primary(std::shared_ptr<primary_session> link) {
    options_.out.info("primary connected");
    image_.forget_proposals();
    outbox_ = {};
    for (auto const& [id, peer] : peers_) {
        report_node(id, node_report{id, true, peer->greeting.facts});
        peer->needs_inventory = true;
        peer->changed.notify();
    }
    facts staged;
    bool is_first = true;
    for (;;) {
        auto news = co_await link->receive();
        if (!news || primary_ != link) break;
        staged.at = news->at;
        staged.cluster = news->cluster;
        staged.cluster_cidr = std::move(news->cluster_cidr);
        std::move(news->items.begin(), news->items.end(), std::back_inserter(staged.items));
        std::move(news->removed.begin(), news->removed.end(), std::back_inserter(staged.removed));
        std::move(news->nodes.begin(), news->nodes.end(), std::back_inserter(staged.nodes));
        std::move(news->streams.begin(), news->streams.end(), std::back_inserter(staged.streams));
        if (!news->complete) continue;
        take(std::exchange(staged, {}), std::exchange(is_first, false));
    }
    if (primary_ != link) co_return;
    // Nodes are served on from the image; what they say meanwhile is said again at the next resync.
    primary_.reset();
    outbox_ = {};
    options_.out.warning("primary disconnected");
}

void scheduler::impl::take(facts news, bool is_first) {
    auto const was_complete = image_.is_complete();
    auto const changed = image_.apply(news, is_first);
    for (auto const& each : changed) {
        if (each.want == item_want::place) continue;
        auto const peer = peers_.find(each.node);
        if (peer == peers_.end() || !peer->second->is_welcome) continue;
        peer->second->due[each.instance] = detail::scheduler_image::order_for(each);
        peer->second->changed.notify();
    }
    for (auto& [id, peer] : peers_) {
        auto const is_registered = image_.find_node(id) != nullptr;
        if (!peer->is_welcome && is_registered) welcome(*peer);
        if (peer->is_welcome && !is_registered) close(*peer);  // this primary does not know it: let it say Hello again
    }
    for (auto& each : news.streams) {
        auto const peer = peers_.find(each.node);
        if (peer == peers_.end()) continue;
        peer->second->streams.push_back(std::move(each));
        peer->second->changed.notify();
    }
    // The clock of a node that has not come starts when the scheduler is ready, not before.
    if (!was_complete)
        for (auto const& [id, node] : image_.nodes())
            if (!peers_.contains(id)) lost_at_.emplace(id, ports_.time.now());
    place_due_.notify();
}

awaitable<> scheduler::impl::send_reports() {
    for (;;) {
        co_await report_due_.wait();
        while (primary_ && !outbox_.empty()) {
            auto const link = primary_;
            auto batch = outbox_.take();
            auto const sent = co_await link->send(std::move(batch));
            if (!sent) break;  // the session's reader sees it too, and the resync repeats what was lost
        }
    }
}

awaitable<> scheduler::impl::accept_nodes() {
    for (;;) {
        auto link = co_await ports_.nodes.accept();
        if (!link) co_return;
        tasks_.spawn(serve_node(std::move(*link)));
    }
}

bool scheduler::impl::admit(hello const& said) {
    if (said.protocol_version != 1) {
        options_.out.error("node refused: it speaks another version of the protocol", {{"node", said.facts.name}});
        return false;
    }
    // Before the first image we do not know which cluster this is; the check is made again at the welcome.
    if (image_.is_complete() && !said.cluster.is_nil() && said.cluster != image_.cluster()) {
        options_.out.error("node refused: it belongs to another cluster",
                           {{"node", said.facts.name}, {"cluster", said.cluster.text()}});
        return false;
    }
    return true;
}

awaitable<> scheduler::impl::serve_node(std::unique_ptr<node_session> link) {
    auto const patience = ports_.time.now() + limits::unheard_after;
    auto first = co_await with_deadline(ports_.time, patience, link->receive());
    if (!first || !std::holds_alternative<hello>(*first)) co_return;
    auto said = std::get<hello>(std::move(*first));
    if (!admit(said)) co_return;

    auto const id = said.node;
    auto const peer = std::make_shared<node_peer>(strand_, std::move(link), std::move(said));
    peer->heard_at = ports_.time.now();
    if (auto const old = peers_.find(id); old != peers_.end()) close(*old->second);
    peers_[id] = peer;
    lost_at_.erase(id);
    image_.set_node(id, peer->greeting.facts);
    report_node(id, node_report{id, true, peer->greeting.facts});
    tasks_.spawn(send_orders(peer));
    options_.out.info("node connected", {{"node", peer->greeting.facts.name}});
    if (image_.find_node(id) != nullptr) welcome(*peer);

    while (!peer->is_closed) {
        auto news = co_await peer->link->receive();
        if (!news || !std::holds_alternative<held>(*news)) break;
        peer->heard_at = ports_.time.now();
        take(*peer, std::get<held>(std::move(*news)));
    }
    take_leave(peer);
}

void scheduler::impl::welcome(node_peer& peer) {
    if (!admit(peer.greeting)) return close(peer);
    peer.is_welcome = true;
    peer.needs_welcome = true;
    peer.needs_inventory = true;
    peer.changed.notify();
    image_.set_ready(peer.greeting.node, true);
    place_due_.notify();
}

void scheduler::impl::take(node_peer& peer, held news) {
    if (news.inventory) {
        for (auto& each : image_.due(peer.greeting.node, news.states)) peer.due[each.instance] = std::move(each);
        peer.changed.notify();
    }
    if (!primary_) return;
    for (auto& each : news.states)
        outbox_.states[each.instance] = status_report{each.instance, each.fence, std::move(each.status)};
    for (auto const& each : news.gone) {
        peer.due.erase(each.instance);
        outbox_.due.gone.push_back({each.instance, each.fence, peer.greeting.node});
    }
    report_due_.notify();
}

void scheduler::impl::take_leave(peer_ptr const& peer) {
    close(*peer);
    auto const id = peer->greeting.node;
    auto const current = peers_.find(id);
    if (current == peers_.end() || current->second != peer) return;  // a newer session of the same node is there
    peers_.erase(current);
    image_.set_ready(id, false);
    lost_at_[id] = ports_.time.now();
    options_.out.warning("node disconnected", {{"node", peer->greeting.facts.name}});
}

awaitable<> scheduler::impl::send_orders(peer_ptr peer) {
    for (;;) {
        while (!peer->is_closed && !peer->needs_welcome && !peer->needs_inventory && peer->due.empty() &&
               peer->streams.empty())
            co_await peer->changed.wait();
        if (peer->is_closed) co_return;
        orders batch;
        batch.at = image_.at();
        if (std::exchange(peer->needs_welcome, false)) {
            batch.cluster = image_.cluster();
            batch.cluster_cidr = image_.cluster_cidr();
            batch.pod_subnet = image_.find_node(peer->greeting.node)->pod_subnet;
        }
        batch.send_inventory = std::exchange(peer->needs_inventory, false);
        batch.streams = std::exchange(peer->streams, {});
        while (!peer->due.empty() && batch.due.size() < limits::batch_items_max)
            batch.due.push_back(std::move(peer->due.extract(peer->due.begin()).mapped()));
        auto const sent = co_await peer->link->send(std::move(batch));
        if (!sent) co_return close(*peer);
    }
}

awaitable<> scheduler::impl::place_pending() {
    for (;;) {
        co_await place_due_.wait();
        if (!primary_ || !image_.is_complete()) continue;
        auto decided = image_.place(options_.policy);
        for (auto const& each : decided.placed) outbox_.due.proposals.push_back({each.instance, each.node});
        for (auto& each : decided.unplaced)
            outbox_.due.unplaced.push_back({std::move(each.instances), std::move(each.reason)});
        report_due_.notify();
    }
}

awaitable<> scheduler::impl::sweep() {
    for (;;) {
        co_await ports_.time.sleep_for(limits::heartbeat_period);
        auto const now = ports_.time.now();
        for (auto const& [id, peer] : peers_)
            if (now - peer->heard_at > limits::unheard_after) close(*peer);
        for (auto lost = lost_at_.begin(); lost != lost_at_.end();) {
            if (now - lost->second <= limits::unheard_after || !primary_) {
                ++lost;
                continue;
            }
            report_node(lost->first, node_report{lost->first, false, std::nullopt});
            lost = lost_at_.erase(lost);
        }
        if (image_.retry_refused()) place_due_.notify();
    }
}

scheduler::scheduler(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options)
    : impl_(std::make_unique<impl>(std::move(strand), ports, std::move(options))) {}
scheduler::~scheduler() = default;
void scheduler::start() { impl_->start(); }
awaitable<> scheduler::stop() { return impl_->stop(); }

}  // namespace rik
