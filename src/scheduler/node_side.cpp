#include "impl_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace rik {

namespace {

bool says_digests(hello const& said) { return std::ranges::count(said.features, link_feature::digests) > 0; }

}  // namespace

awaitable<> scheduler::impl::accept_nodes() {
    for (;;) {
        auto link = co_await ports_.nodes.accept();
        if (!link) co_return;
        tasks_.spawn(serve_node(std::move(*link)));
    }
}

std::optional<std::string> scheduler::impl::refusal_of(hello const& said) const {
    if (!can_speak(link_protocol, said.protocol_version))
        return fmt::format(
            "the node speaks version {} of the protocol, and the scheduler version {}: upgrade the older one",
            said.protocol_version, link_protocol);
    // Before the first cache we know neither the cluster nor its revision; the check is made again at the welcome.
    if (!cache_.is_complete()) return std::nullopt;
    if (!said.cluster.is_nil() && said.cluster != cache_.cluster())
        return fmt::format("the node belongs to cluster {}, and this is cluster {}", said.cluster.text(),
                           cache_.cluster().text());
    if (said.floor > cache_.at())
        return fmt::format(
            "the scheduler is behind: the node has obeyed revision {}, and the scheduler knows revision {}", said.floor,
            cache_.at());
    return std::nullopt;
}

awaitable<> scheduler::impl::refuse(std::unique_ptr<node_session> link, std::string why) {
    orders last{.refusal = std::move(why)};
    auto const sent = co_await link->send(std::move(last));
    (void)sent;  // its session ends in any case
}

awaitable<> scheduler::impl::serve_node(std::unique_ptr<node_session> link) {
    auto const patience = ports_.time.now() + options_.unheard_after;
    auto first = co_await with_deadline(ports_.time, patience, link->receive());
    if (!first || !std::holds_alternative<hello>(*first)) co_return;
    auto said = std::get<hello>(std::move(*first));
    auto why = refusal_of(said);
    if (!why && is_elsewhere(said))
        why =
            "another machine of the same identity is connected: is the state directory a copy? A new node needs a new "
            "one";
    if (why) {
        options_.out.error("node refused", {{"node", said.facts.name}, {"why", *why}});
        co_return co_await refuse(std::move(link), std::move(*why));
    }
    auto const peer = add_peer(std::move(link), std::move(said));
    tasks_.spawn(send_orders(peer));
    while (!peer->is_closed) {
        auto news = co_await peer->link->receive();
        // What an older session says may be older than what the newer one has said.
        if (!news || peer->is_closed || !std::holds_alternative<held>(*news)) break;
        hearing_.note(peer->greeting.node, ports_.time.now());
        if (auto const excess = excess_of(*peer, std::get<held>(*news))) {
            options_.out.error("node is cut off", {{"node", peer->greeting.facts.name}, {"why", *excess}});
            break;
        }
        handle_held(*peer, std::get<held>(std::move(*news)));
    }
    remove_peer(peer);
}

/// A second session of a node replaces the first.
scheduler::impl::peer_ptr scheduler::impl::add_peer(std::unique_ptr<node_session> link, hello said) {
    auto const id = said.node;
    auto const peer = std::make_shared<node_peer>(strand_, std::move(link), std::move(said));
    peer->digest = peer->greeting.digest;
    if (auto const old = peers_.find(id); old != peers_.end()) close(*old->second);
    peers_[id] = peer;
    hearing_.note(id, ports_.time.now());
    unheard_.erase(id);
    cache_.set_node(id, peer->greeting.facts);
    if (cache_.is_complete()) report_node(node_report{id, true, peer->greeting.facts});
    options_.out.info("node connected", {{"node", peer->greeting.facts.name}});
    if (cache_.find_node(id) != nullptr) welcome(*peer);
    return peer;
}

void scheduler::impl::refuse_peer(node_peer& peer, std::string why) {
    if (peer.refusal.empty()) options_.out.error("node refused", {{"node", peer.greeting.facts.name}, {"why", why}});
    peer.refusal = std::move(why);
    peer.is_welcome = false;
    peer.changed.notify();
}

bool scheduler::impl::is_elsewhere(hello const& said) const {
    auto const old = peers_.find(said.node);
    if (old == peers_.end() || old->second->is_closed) return false;
    auto const heard_at = hearing_.last(said.node);
    auto const is_fresh = heard_at && ports_.time.now() - *heard_at < options_.unheard_after / 2;
    return is_fresh && old->second->greeting.facts.boot_id != said.facts.boot_id;
}

void scheduler::impl::welcome(node_peer& peer) {
    if (auto why = refusal_of(peer.greeting)) return refuse_peer(peer, std::move(*why));
    peer.is_welcome = true;
    peer.needs_welcome = true;
    put_orders(peer, cache_.due(peer.greeting.node));
    compare(peer);
    if (!peer.is_inventory_due) settle_ready(peer);  // else when it has come
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
    if (news.metrics) {
        peer.metrics = std::move(*news.metrics);
        cache_.set_load(peer.greeting.node, *peer.metrics);
        if (primary_) outbox_.add(load_report{peer.greeting.node, *peer.metrics});
    }
    peer.digest = news.digest;
    if (news.inventory && peer.is_welcome) handle_inventory(peer, news);  // else it answers nothing that was asked here
    auto const strangers_left_count =
        std::ranges::count_if(news.gone, [&](auto const& each) { return peer.strangers.erase(each.instance) > 0; });
    if (strangers_left_count > 0) settle_ready(peer);
    if (!primary_) return;
    for (auto& each : news.states)
        if (may_tell_of(peer, each.instance))
            outbox_.add(status_report{each.instance, each.fence, std::move(each.status)});
    for (auto const& each : news.gone) {
        peer.due.erase(each.instance);
        outbox_.add(gone_report{each.instance, each.fence, peer.greeting.node});
    }
    if (!outbox_.empty()) report_due_.notify();
    if (!news.inventory && news.states.empty() && news.gone.empty()) handle_beat(peer);
}

std::optional<std::string> scheduler::impl::excess_of(node_peer const& peer, held const& said) const {
    auto const is_unknown = [this](auto const& each) { return cache_.find(each.instance) == nullptr; };
    if (peer.inventory.size() + (said.inventory ? said.states.size() : 0) > limits::inventory_count_max)
        return fmt::format("it says that it holds more than {} instances", limits::inventory_count_max);
    if (outbox_.instance_count() <= limits::unknown_reports_count_max) return std::nullopt;
    if (std::ranges::none_of(said.states, is_unknown) && std::ranges::none_of(said.gone, is_unknown))
        return std::nullopt;
    return fmt::format("it tells of instances that the scheduler does not know, while {} reports wait for the primary",
                       outbox_.instance_count());
}

/// What is bound to one node no other one tells of.
bool scheduler::impl::may_tell_of(node_peer const& peer, instance_id const& which) {
    auto const* const known = cache_.find(which);
    if (known == nullptr || known->node == peer.greeting.node) return true;
    options_.out.error("a node tells of an instance of another one; it is not heeded",
                       {{"node", peer.greeting.facts.name}, {"instance", known->name}});
    return false;
}

void scheduler::impl::handle_beat(node_peer& peer) {
    auto const is_same = std::exchange(peer.digest_at_beat, peer.digest) == peer.digest;
    if (!peer.is_welcome || peer.is_inventory_due || !says_digests(peer.greeting)) return;
    if (peer.need.note_beat(is_as_believed(peer), is_same)) ask_for_inventory(peer);
}

/// Nothing is decided before all of it is there: what a part does not name may be in the next.
void scheduler::impl::handle_inventory(node_peer& peer, held const& part) {
    for (auto const& each : part.states) peer.inventory[each.instance] = each.fence;
    if (!part.complete) return;
    peer.is_inventory_due = false;
    auto const whole = std::exchange(peer.inventory, {});
    auto due = cache_.due(peer.greeting.node, whole);
    peer.strangers.clear();
    for (auto const& each : due)
        if (!each.run && each.made_from == nullptr && whole.contains(each.instance))
            peer.strangers.insert(each.instance);
    put_orders(peer, std::move(due));
    settle_ready(peer);
}

bool scheduler::impl::is_as_believed(node_peer const& peer) const {
    return says_digests(peer.greeting) && peer.digest == cache_.digest_of(peer.greeting.node);
}

void scheduler::impl::compare(node_peer& peer) {
    if (peer.is_welcome && !is_as_believed(peer)) ask_for_inventory(peer);
}

void scheduler::impl::ask_for_inventory(node_peer& peer) {
    peer.needs_inventory = true;
    peer.is_inventory_due = true;
    peer.changed.notify();
}

void scheduler::impl::put_orders(node_peer& peer, std::vector<order> due) {
    for (auto& each : due) peer.due[each.instance] = std::move(each);
    peer.changed.notify();
}

/// How long it may be silent counts on from its last word.
void scheduler::impl::remove_peer(peer_ptr const& peer) {
    close(*peer);
    auto const id = peer->greeting.node;
    auto const current = peers_.find(id);
    if (current == peers_.end() || current->second != peer) return;  // a newer session of the same node is there
    peers_.erase(current);
    cache_.set_ready(id, false);
    options_.out.warning("node disconnected", {{"node", peer->greeting.facts.name}});
}

awaitable<> scheduler::impl::send_orders(peer_ptr peer) {
    for (;;) {
        while (!peer->is_closed && peer->refusal.empty() && !peer->needs_welcome && !peer->needs_inventory &&
               peer->due.empty() && peer->streams.empty())
            co_await peer->changed.wait();
        if (peer->is_closed) co_return;
        auto const is_last = !peer->refusal.empty();
        auto batch = next_orders(*peer);
        auto const sent = co_await peer->link->send(std::move(batch));
        if (!sent || is_last) co_return close(*peer);
    }
}

orders scheduler::impl::next_orders(node_peer& peer) const {
    orders batch{.at = cache_.at(), .refusal = peer.refusal};
    if (!batch.refusal.empty()) return batch;
    if (std::exchange(peer.needs_welcome, false)) {
        batch.cluster = cache_.cluster();
        batch.cluster_cidr = cache_.cluster_cidr();
        batch.pod_subnet = cache_.find_node(peer.greeting.node)->pod_subnet;
        batch.beat_period = options_.unheard_after / limits::beats_per_unheard_min;
    }
    batch.send_inventory = std::exchange(peer.needs_inventory, false);
    batch.streams = std::exchange(peer.streams, {});
    batch_room room(options_.batch);
    while (!peer.due.empty() && room.take(peer.due.begin()->second))
        batch.due.push_back(std::move(peer.due.extract(peer.due.begin()).mapped()));
    return batch;
}

void scheduler::impl::close(node_peer& peer) {
    peer.is_closed = true;
    peer.link->close();
    peer.changed.notify();
}

}  // namespace rik
