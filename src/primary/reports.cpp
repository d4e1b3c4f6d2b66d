// What the scheduler reports: proposals become bindings, states are recorded, rooms are freed.
#include "impl_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik {

awaitable<> primary::impl::read_reports(std::shared_ptr<connection> from) {
    for (;;) {
        auto news = co_await from->link->receive();
        if (!news) break;
        take(std::move(*news));
    }
    from->is_closed = true;
    from->link->close();
    due_.notify();
}

void primary::impl::take(reports news) {
    if (failed_) return;
    for (auto const& each : news.nodes) take_node(each);
    take_proposals(news.proposals);
    for (auto const& each : news.unplaced) take_unplaced(each);
    for (auto const& each : news.states) take_state(each);
    for (auto const& each : news.gone) take_gone(each);
    limit_finished();
}

void primary::impl::take_node(node_report const& news) {
    auto const known = store_.head().find<node>(news.node);
    if (!known) {
        if (news.facts) register_node(news.node, *news.facts);
        return;
    }
    auto next = *known;
    if (news.facts) next.facts = *news.facts;
    auto const state = news.heard ? node_state::ready : node_state::unheard;
    auto const is_changed = state != known->state;
    if (!is_changed && next.facts == known->facts) {
        due_nodes_.insert(news.node);  // it said Hello: the scheduler waits for its registration
        return due_.notify();
    }
    if (is_changed) {
        next.state = state;
        next.state_since = ports_.time.wall();
    }
    transaction update;
    if (is_changed) {
        event happened{.object_kind = "node", .object_id = known->id.text(), .object_name = next.facts.name};
        happened.type = news.heard ? event_type::normal : event_type::warning;
        happened.reason = news.heard ? "NodeReady" : "NodeUnheard";
        happened.message =
            news.heard ? "the node is heard again" : "the node is not heard; its instances are in an unknown state";
        happened.source = "primary";
        happened.at = next.state_since;
        note(update, std::move(happened));
    }
    candidate offered{.id = next.id, .name = next.facts.name, .capacity = next.facts.capacity};
    offered.runtimes = next.facts.runtimes;
    ledger_.set_node(offered);
    update.put(std::move(next), known.changed_at);
    if (auto const applied = store_.apply(std::move(update)); !applied)
        options_.out.error("node not recorded", {{"node", news.node.text()}, {"error", to_string(applied.error())}});
}

void primary::impl::register_node(node_id const& id, node_facts const& said) {
    auto const subnet = free_subnet();
    if (!subnet) return options_.out.error("node refused", {{"node", said.name}, {"error", to_string(subnet.error())}});
    node made{.id = id, .facts = said, .pod_subnet = *subnet};
    made.created_at = ports_.time.wall();
    made.state_since = made.created_at;
    event happened{.object_kind = "node", .object_id = id.text(), .object_name = said.name, .reason = "NodeRegistered"};
    happened.message = fmt::format("the node has joined, with Pod subnet {}", *subnet);
    happened.source = "primary";
    happened.at = made.created_at;
    candidate offered{.id = id, .name = said.name, .capacity = said.capacity};
    offered.runtimes = said.runtimes;
    ledger_.set_node(offered);
    transaction registration;
    note(registration, std::move(happened));
    registration.put(std::move(made), 0);
    if (auto const applied = store_.apply(std::move(registration)); !applied)
        return options_.out.error("node not registered", {{"node", said.name}, {"error", to_string(applied.error())}});
    options_.out.info("node registered", {{"node", said.name}, {"subnet", *subnet}});
}

/// The lowest part of the cluster's network that no node has.
result<std::string> primary::impl::free_subnet() const {
    auto const whole = ipv4_subnet::parse(options_.cluster_cidr);
    if (!whole) return whole.error();
    std::set<std::string> taken;
    for (auto const& each : store_.head().list<node>()) taken.insert(each->pod_subnet);
    for (std::uint64_t index = 0;; ++index) {
        auto const part = whole->part(index, options_.node_prefix_bits);
        if (!part)
            return error{errc::exhausted,
                         fmt::format("every Pod subnet of {} is taken", options_.cluster_cidr),
                         {},
                         "start the cluster with a larger --cluster-cidr"};
        if (!taken.contains(part->text())) return part->text();
    }
}

/// The one place where capacity is promised. A refused proposal is answered by the item itself.
void primary::impl::take_proposals(std::vector<proposal> const& proposals) {
    transaction bindings;
    std::vector<instance> bound;
    for (auto const& each : proposals) {
        auto const row = store_.head().find<instance>(each.instance);
        if (!row || !row->is_pending()) continue;
        auto const* const node = ledger_.find(each.node);
        auto const why =
            node == nullptr ? refusal("node is not registered") : refuse(*node, *row->pod_release(), options_.policy);
        if (why) {
            options_.out.debug("proposal refused", {{"instance", row->name()}, {"reason", std::string(*why)}});
            due_refusals_.push_back(each.instance);
            due_.notify();
            continue;
        }
        auto next = row->fields();
        next.binding = node_binding{.node = each.node, .fence = store_.next_revision()};
        next.status.reason = "Scheduled";
        next.status.message = fmt::format("placed on node {}", node->name);
        auto happened = about(*row);
        happened.reason = next.status.reason;
        happened.message = next.status.message;
        note(bindings, std::move(happened));
        bound.emplace_back(std::move(next));
        bindings.put(bound.back(), row.changed_at);
        track(bound.back());
    }
    if (bindings.empty()) return;
    if (auto const applied = store_.apply(std::move(bindings)); !applied) {
        for (auto const& each : bound) ledger_.release(each.id());
        options_.out.error("bindings not made", {{"error", to_string(applied.error())}});
    }
}

void primary::impl::take_unplaced(no_place const& news) {
    transaction update;
    for (auto const& id : news.instances) {
        auto const row = store_.head().find<instance>(id);
        if (!row || !row->is_pending() || row->status().message == news.reason) continue;
        auto next = row->fields();
        next.status.reason = "Unschedulable";
        next.status.message = news.reason;
        auto happened = about(*row);
        happened.type = event_type::warning;
        happened.reason = next.status.reason;
        happened.message = news.reason;
        note(update, std::move(happened));
        update.put(instance(std::move(next)), row.changed_at);
    }
    if (update.empty()) return;
    if (auto const applied = store_.apply(std::move(update)); !applied)
        options_.out.error("reasons not recorded", {{"error", to_string(applied.error())}});
}

void primary::impl::take_state(status_report const& news) {
    auto const row = store_.head().find<instance>(news.instance);
    if (!row || !row->binding() || row->binding()->fence != news.fence) return;  // news of another binding
    if (news.status.seq <= row->status().seq) return;                            // old news
    auto next = row->fields();
    next.status = news.status;
    if (row->is_condemned()) {
        // What is wanted stays said until the node confirms; only what was seen changes.
        next.status.state = instance_state::destroying;
        next.status.since = row->status().since;
    } else if (auto const legal = advance(row->state(), news.status.state); !legal) {
        return options_.out.warning("state not taken",
                                    {{"instance", row->name()}, {"error", to_string(legal.error())}});
    }
    transaction update;
    if (next.status.reason != row->status().reason || next.status.state != row->state()) {
        auto happened = about(*row);
        auto const* const holder = ledger_.find(row->binding()->node);
        happened.source = "node " + (holder == nullptr ? row->binding()->node.text() : holder->name);
        happened.type = news.status.state == instance_state::failed ? event_type::warning : event_type::normal;
        happened.reason = news.status.reason;
        happened.message = news.status.message;
        note(update, std::move(happened));
    }
    instance const changed(std::move(next));
    update.put(changed, row.changed_at);
    track(changed);
    if (auto const applied = store_.apply(std::move(update)); !applied)
        options_.out.error("state not recorded", {{"instance", row->name()}, {"error", to_string(applied.error())}});
}

void primary::impl::take_gone(gone_report const& news) {
    auto const row = store_.head().find<instance>(news.instance);
    node_binding const confirmed{.node = news.node, .fence = news.fence, .condemned = true};
    if (!row || row->binding() != confirmed) return;
    transaction removal;
    auto happened = about(*row);
    happened.reason = "Terminated";
    happened.message = "its node has removed everything of it";
    note(removal, std::move(happened));
    removal.remove<instance>(news.instance, row.changed_at);
    if (row->owner()) remove_if_empty(removal, *row->owner(), 1);
    if (auto const applied = store_.apply(std::move(removal)); !applied)
        return options_.out.error("removal not recorded",
                                  {{"instance", row->name()}, {"error", to_string(applied.error())}});
    ledger_.release(news.instance);
}

/// Finished instances stay for their logs and exit codes, but not without end: the longest finished go first.
void primary::impl::limit_finished() {
    transaction removal;
    while (finished_.size() > limits::finished_instances_count_max) {
        auto const id = finished_.begin()->second;
        finished_.erase(finished_.begin());
        auto const row = store_.head().find<instance>(id);
        if (row && row->is_bound()) condemn(removal, row, "removed: too many finished instances are kept");
    }
    if (removal.empty()) return;
    if (auto const applied = store_.apply(std::move(removal)); !applied)
        options_.out.error("finished instances not removed", {{"error", to_string(applied.error())}});
}

}  // namespace rik
