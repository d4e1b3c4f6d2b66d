#include "impl_detail.hpp"
#include "staged_facts_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <utility>

namespace rik {

awaitable<> scheduler::impl::accept_primaries() {
    for (;;) {
        auto link = co_await ports_.primaries.accept();
        if (!link) co_return;
        tasks_.spawn(serve_primary(std::move(*link)));
    }
}

/// What orders of another cluster's primary would do to this one's instances must not happen.
bool scheduler::impl::may_serve(facts const& first) {
    if (!cache_.is_complete() || first.cluster == cache_.cluster()) return true;
    options_.out.error("primary refused: it is of another cluster than the one that this scheduler serves",
                       {{"cluster", first.cluster.text()}, {"served", cache_.cluster().text()}});
    return false;
}

/// A newer session replaces the old one, once it has said who it is; what the old one still says is true but old.
void scheduler::impl::take_primary(std::shared_ptr<primary_session> link) {
    if (primary_) {
        options_.out.warning("another session of a primary takes the place of the one before");
        primary_->close();
    }
    primary_ = std::move(link);
    options_.out.info("primary connected");
    cache_.forget_decisions();
    outbox_ = {};
}

/// Only now it is known to which cluster they must belong.
void scheduler::impl::report_peers() {
    for (auto const& [id, peer] : peers_) {
        if (peer->is_closed) continue;
        if (auto why = refusal_of(peer->greeting)) {
            refuse_peer(*peer, std::move(*why));
            continue;
        }
        report_node(node_report{id, true, peer->greeting.facts});
        if (peer->metrics) outbox_.add(load_report{id, *peer->metrics});
    }
    report_unheard();
}

awaitable<> scheduler::impl::serve_primary(std::shared_ptr<primary_session> link) {
    auto const patience = ports_.time.now() + options_.unheard_after;
    auto receiving = link->receive();
    auto first = co_await with_deadline(ports_.time, patience, std::move(receiving));
    if (!first || !may_serve(*first)) co_return link->close();
    take_primary(link);
    detail::staged_facts staged(limits::facts_bytes_max);
    auto news = std::move(first);
    while (news && primary_ == link) {
        auto whole = staged.add(std::move(*news));
        if (!whole) {
            options_.out.error("primary is cut off", {{"why", whole.error().message}});
            break;
        }
        if (*whole) handle_facts(std::move(**whole));
        news = co_await link->receive();
    }
    link->close();
    if (primary_ != link) co_return;
    // Nodes are served on from the cache; what they say meanwhile is said again at the next resync.
    primary_.reset();
    outbox_ = {};
    options_.out.warning("primary disconnected");
}

void scheduler::impl::handle_facts(facts news) {
    auto const is_first = !cache_.is_complete();
    for (auto const& each : cache_.apply(news)) {
        auto const peer = peers_.find(each.node);
        if (peer != peers_.end() && peer->second->is_welcome)
            put_orders(*peer->second, {detail::scheduler_cache::order_for(each)});
    }
    if (news.everything) report_peers();
    for (auto const& id : news.removed_nodes) forget_node(id);
    // What they said while no primary was there is lost, and so may be what the one before has not written down.
    if (news.everything)
        for (auto const& [id, peer] : peers_) compare(*peer);
    for (auto const& each : news.nodes) {
        auto const peer = peers_.find(each.node);
        if (peer != peers_.end() && !peer->second->is_welcome) welcome(*peer->second);
    }
    if (news.everything) close_unregistered();
    for (auto& each : news.streams) {
        auto const peer = peers_.find(each.node);
        if (peer == peers_.end()) continue;
        peer->second->streams.push_back(std::move(each));
        peer->second->changed.notify();
    }
    if (is_first) await_absent();
    if (news.everything) note_absent();
    place_due_.notify();
}

void scheduler::impl::await_absent() {
    for (auto const& [id, node] : cache_.nodes())
        if (!peers_.contains(id)) awaited_.insert(id);
    awaited_until_ = ports_.time.now() + options_.unheard_after;
    if (!awaited_.empty()) cache_.mute_failures();
}

/// Should its agent still be there, it says Hello and joins anew.
void scheduler::impl::forget_node(node_id const& which) {
    if (auto const peer = peers_.find(which); peer != peers_.end()) close(*peer->second);
    hearing_.forget(which);
    unheard_.erase(which);
    stop_awaiting(which);
}

/// The clock of a node that has not come starts when the scheduler knows of it; and a report that a node is unheard may
/// have been lost with the primary that it was meant for.
void scheduler::impl::note_absent() {
    for (auto const& [id, node] : cache_.nodes())
        if (!peers_.contains(id) && !hearing_.is_noted(id) && !unheard_.contains(id))
            hearing_.note(id, ports_.time.now());
}

/// This primary does not know them: let them say Hello again.
void scheduler::impl::close_unregistered() {
    for (auto const& [id, peer] : peers_)
        if (peer->is_welcome && cache_.find_node(id) == nullptr) close(*peer);
}

void scheduler::impl::report_node(node_report news) {
    outbox_.add(std::move(news));
    report_due_.notify();
}

awaitable<> scheduler::impl::send_reports() {
    for (;;) {
        co_await report_due_.wait();
        while (primary_ && !outbox_.empty()) {
            auto const link = primary_;
            auto batch = outbox_.drain(options_.batch);
            auto const sent = co_await link->send(std::move(batch));
            if (!sent) break;  // the session's reader sees it too, and the resync repeats what was lost
        }
    }
}

}  // namespace rik
