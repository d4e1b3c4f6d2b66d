#include "impl_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace rik {

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
    // Before the first cache we do not know which cluster this is; the check is made again at the welcome.
    if (cache_.is_complete() && !said.cluster.is_nil() && said.cluster != cache_.cluster()) {
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
    cache_.set_node(id, peer->greeting.facts);
    report_node(node_report{id, true, peer->greeting.facts});
    tasks_.spawn(send_orders(peer));
    options_.out.info("node connected", {{"node", peer->greeting.facts.name}});
    if (cache_.find_node(id) != nullptr) welcome(*peer);

    while (!peer->is_closed) {
        auto news = co_await peer->link->receive();
        // What an older session says may be older than what the newer one has said.
        if (!news || peer->is_closed || !std::holds_alternative<held>(*news)) break;
        peer->heard_at = ports_.time.now();
        handle_held(*peer, std::get<held>(std::move(*news)));
    }
    remove_peer(peer);
}

void scheduler::impl::welcome(node_peer& peer) {
    if (!admit(peer.greeting)) return close(peer);
    peer.is_welcome = true;
    peer.needs_welcome = true;
    peer.needs_inventory = true;
    peer.changed.notify();
}

/// Where something still is that the primary does not know, there is less room than the primary thinks.
void scheduler::impl::settle_ready(node_peer const& peer) {
    cache_.set_ready(peer.greeting.node, peer.strangers.empty());
    stop_awaiting(peer.greeting.node);
    place_due_.notify();
}

void scheduler::impl::stop_awaiting(node_id const& node) {
    awaited_.erase(node);
    if (awaited_.empty()) cache_.tell_failures();
}

void scheduler::impl::handle_held(node_peer& peer, held news) {
    if (news.troubles) {
        auto& said = peer.greeting.facts;
        said.troubles = std::move(*news.troubles);
        cache_.set_troubles(peer.greeting.node, said.troubles);
        report_node(node_report{peer.greeting.node, true, said});
        place_due_.notify();
    }
    if (news.inventory && peer.is_welcome) {  // else it answers nothing that was asked here
        peer.strangers.clear();
        for (auto& each : cache_.due(peer.greeting.node, news.states)) {
            if (!each.run && each.made_from == nullptr) peer.strangers.insert(each.instance);
            peer.due[each.instance] = std::move(each);
        }
        peer.changed.notify();
        settle_ready(peer);
    }
    auto const strangers_left_count =
        std::ranges::count_if(news.gone, [&](auto const& each) { return peer.strangers.erase(each.instance) > 0; });
    if (strangers_left_count > 0) settle_ready(peer);
    if (!primary_) return;
    for (auto& each : news.states) outbox_.add(status_report{each.instance, each.fence, std::move(each.status)});
    for (auto const& each : news.gone) {
        peer.due.erase(each.instance);
        outbox_.add(gone_report{each.instance, each.fence, peer.greeting.node});
    }
    report_due_.notify();
}

void scheduler::impl::remove_peer(peer_ptr const& peer) {
    close(*peer);
    auto const id = peer->greeting.node;
    auto const current = peers_.find(id);
    if (current == peers_.end() || current->second != peer) return;  // a newer session of the same node is there
    peers_.erase(current);
    cache_.set_ready(id, false);
    auto const since = peer->is_silent ? peer->heard_at : ports_.time.now();  // its silence counts already
    if (!report_if_lost(id, since)) lost_at_[id] = since;
    options_.out.warning("node disconnected", {{"node", peer->greeting.facts.name}});
}

awaitable<> scheduler::impl::send_orders(peer_ptr peer) {
    for (;;) {
        while (!peer->is_closed && !peer->needs_welcome && !peer->needs_inventory && peer->due.empty() &&
               peer->streams.empty())
            co_await peer->changed.wait();
        if (peer->is_closed) co_return;
        orders batch;
        batch.at = cache_.at();
        if (std::exchange(peer->needs_welcome, false)) {
            batch.cluster = cache_.cluster();
            batch.cluster_cidr = cache_.cluster_cidr();
            batch.pod_subnet = cache_.find_node(peer->greeting.node)->pod_subnet;
        }
        batch.send_inventory = std::exchange(peer->needs_inventory, false);
        batch.streams = std::exchange(peer->streams, {});
        while (!peer->due.empty() && batch.due.size() < limits::batch_items_max)
            batch.due.push_back(std::move(peer->due.extract(peer->due.begin()).mapped()));
        auto const sent = co_await peer->link->send(std::move(batch));
        if (!sent) co_return close(*peer);
    }
}

void scheduler::impl::close(node_peer& peer) {
    peer.is_closed = true;
    peer.link->close();
    peer.changed.notify();
}

}  // namespace rik
