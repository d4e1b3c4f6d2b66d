// What the scheduler reports: proposals become bindings, states are recorded, rooms are freed.
#include "impl_detail.hpp"
#include "tidy_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace rik {

namespace {

/// A reason without "(3 nodes: a, b, c)".
std::string without_counts(std::string_view reason) {
    std::string kept;
    std::size_t depth = 0;
    for (auto const letter : reason) {
        if (letter == '(') ++depth;
        if (depth == 0) kept += letter;
        if (letter == ')' && depth > 0) --depth;
    }
    return kept;
}

/// Does it wait for the same as before, on however many nodes? Nobody needs an event for that.
bool is_same_wait(instance_status const& before, std::string_view reason) {
    return before.reason == "Unschedulable" && without_counts(before.message) == without_counts(reason);
}

}  // namespace

/// A report that cannot be taken is not forgotten: the session ends, and at the next one everything is said again.
awaitable<> primary::impl::read_reports(std::shared_ptr<connection> from) {
    for (;;) {
        auto news = co_await from->link->receive();
        if (!news || connection_ != from) break;  // what an older session says may be older than what the new one said
        auto const taken = co_await take(std::move(*news));
        if (taken) continue;
        options_.out.error("reports not taken; the session ends", {{"error", to_string(taken.error())}});
        from->is_refused = true;
        break;
    }
    from->is_closed = true;
    from->link->close();
    due_.notify();
}

awaitable<result<void>> primary::impl::take(reports news) {
    auto taken = co_await take_slices(std::move(news.nodes), &impl::take_nodes);
    if (taken) taken = co_await take_slices(std::move(news.proposals), &impl::take_proposals);
    std::vector<unplaced_instance> unplaced;
    for (auto& group : news.unplaced) {
        group.reason = to_utf8(group.reason, limits::message_bytes_max);
        for (auto const& id : group.instances) unplaced.push_back({id, group.reason});
    }
    if (taken) taken = co_await take_slices(std::move(unplaced), &impl::take_unplaced);
    if (taken) taken = co_await take_slices(std::move(news.states), &impl::take_states);
    if (taken) taken = co_await take_slices(std::move(news.gone), &impl::take_gone);
    if (taken) taken = co_await limit_finished();
    co_return taken;
}

/// Slice by slice, so that neither a commit nor the strand is held long.
template <class Report>
awaitable<result<void>> primary::impl::take_slices(std::vector<Report> all, taker<Report> take_some) {
    for (std::size_t from = 0; from < all.size();) {
        auto const room = co_await wait_for_room();
        if (!room) co_return room;
        auto const count = std::min(all.size() - from, limits::instances_per_slice_max);
        auto const taken = (this->*take_some)(std::span(all).subspan(from, count));
        if (!taken) co_return taken;
        from += count;
        if (from < all.size()) co_await asio::post(strand_, asio::use_awaitable);
    }
    co_return result<void>{};
}

result<void> primary::impl::take_nodes(std::span<node_report const> news) {
    for (auto const& each : news)
        if (auto taken = take_node(each); !taken) return taken;
    return {};
}

result<void> primary::impl::take_node(node_report const& news) {
    auto const known = store_.head().find<node>(news.node);
    auto const facts = news.facts ? std::optional(detail::tidied(*news.facts)) : std::nullopt;
    if (!known) return facts ? register_node(news.node, *facts) : result<void>();
    auto next = *known;
    if (facts) next.facts = *facts;
    auto const state = news.heard ? node_state::ready : node_state::unheard;
    auto const is_changed = state != known->state;
    if (!is_changed && next.facts == known->facts) {
        due_nodes_.insert(news.node);  // it said Hello: the scheduler waits for its registration
        due_.notify();
        return {};
    }
    transaction update;
    if (is_changed) {
        next.state = state;
        next.state_since = ports_.time.wall();
        auto happened = about(next);
        happened.type = news.heard ? event_type::normal : event_type::warning;
        happened.reason = news.heard ? "NodeReady" : "NodeUnheard";
        happened.message =
            news.heard ? "the node is heard again" : "the node is not heard; its instances are in an unknown state";
        note(update, std::move(happened));
    }
    update.put(std::move(next), known.changed_at);
    return apply(std::move(update));
}

/// A node for which there is no subnet is refused; the session goes on without it.
result<void> primary::impl::register_node(node_id const& id, node_facts const& said) {
    auto const subnet = free_subnet();
    if (!subnet) {
        options_.out.error("node refused", {{"node", said.name}, {"error", to_string(subnet.error())}});
        return {};
    }
    node made{.id = id, .facts = said, .pod_subnet = *subnet};
    made.created_at = ports_.time.wall();
    made.state_since = made.created_at;
    auto happened = about(made);
    happened.reason = "NodeRegistered";
    happened.message = fmt::format("the node has joined, with Pod subnet {}", *subnet);
    transaction registration;
    note(registration, std::move(happened));
    registration.put(std::move(made), 0);
    if (auto applied = apply(std::move(registration)); !applied) return applied;
    options_.out.info("node registered", {{"node", said.name}, {"subnet", *subnet}});
    return {};
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
result<void> primary::impl::take_proposals(std::span<proposal const> proposals) {
    transaction bindings;
    std::vector<instance_id> promised;
    for (auto const& each : proposals) {
        auto const row = store_.head().find<instance>(each.instance);
        if (!row || !row->is_pending() || ledger_.holds(each.instance)) continue;  // the last: it is in this slice
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
        bindings.put(instance(std::move(next)), row.changed_at);
        ledger_.hold(each.instance, each.node, row->pod_release());
        promised.push_back(each.instance);
    }
    auto applied = apply(std::move(bindings));
    if (!applied)
        for (auto const& id : promised) ledger_.release(id);
    return applied;
}

result<void> primary::impl::take_unplaced(std::span<unplaced_instance const> news) {
    transaction update;
    std::set<instance_id> told;
    for (auto const& each : news) {
        auto const row = store_.head().find<instance>(each.instance);
        if (!row || !row->is_pending() || row->status().message == each.reason) continue;
        if (!told.insert(each.instance).second) continue;
        auto next = row->fields();
        next.status.reason = "Unschedulable";
        next.status.message = each.reason;
        if (!is_same_wait(row->status(), each.reason)) {
            auto happened = about(*row);
            happened.type = event_type::warning;
            happened.reason = next.status.reason;
            happened.message = each.reason;
            note(update, std::move(happened));
        }
        update.put(instance(std::move(next)), row.changed_at);
    }
    return apply(std::move(update));
}

/// A commit for each: an instance may be in a slice more than once.
result<void> primary::impl::take_states(std::span<status_report const> news) {
    for (auto const& each : news)
        if (auto taken = take_state(each); !taken) return taken;
    return {};
}

result<void> primary::impl::take_state(status_report const& news) {
    auto const row = store_.head().find<instance>(news.instance);
    if (!row || !row->binding() || row->binding()->fence != news.fence) return {};  // news of another binding
    if (news.status.seq <= row->status().seq) return {};                            // old news
    auto next = row->fields();
    next.status = detail::tidied(news.status);
    if (row->is_condemned()) {
        // What is wanted stays said until the node confirms; only what was seen changes.
        next.status.state = instance_state::destroying;
        next.status.since = row->status().since;
        next.status.ready = false;
        next.status.ready_since.reset();
        explain_unstarted(next.status);
    } else if (auto const legal = advance(row->state(), news.status.state); !legal) {
        options_.out.warning("state not taken", {{"instance", row->name()}, {"error", to_string(legal.error())}});
        return {};
    }
    transaction update;
    if (next.status.reason != row->status().reason || next.status.state != row->state()) {
        auto happened = about(*row);
        auto const* const holder = ledger_.find(row->binding()->node);
        happened.source = "node " + (holder == nullptr ? row->binding()->node.text() : holder->name);
        happened.type = news.status.state == instance_state::failed ? event_type::warning : event_type::normal;
        happened.reason = news.status.reason;
        happened.message = news.status.message;
        if (next.status.state != row->state())
            happened.message = fmt::format("{}: {}", to_string(next.status.state), happened.message);
        note(update, std::move(happened));
    }
    update.put(instance(std::move(next)), row.changed_at);
    return apply(std::move(update));
}

/// A commit for each: the last of a workload takes the workload with it.
result<void> primary::impl::take_gone(std::span<gone_report const> news) {
    for (auto const& each : news) {
        auto const row = store_.head().find<instance>(each.instance);
        node_binding const confirmed{.node = each.node, .fence = each.fence, .condemned = true};
        if (!row || row->binding() != confirmed) continue;
        transaction removal;
        auto happened = about(*row);
        happened.reason = "Terminated";
        happened.message = "terminated: its node has removed everything of it";
        note(removal, std::move(happened));
        removal.remove<instance>(each.instance, row.changed_at);
        if (row->owner()) remove_if_empty(removal, *row->owner(), 1);
        if (auto applied = apply(std::move(removal)); !applied) return applied;
    }
    return {};
}

/// Finished instances stay for their logs and exit codes, but not without end: the longest finished go first.
awaitable<result<void>> primary::impl::limit_finished() {
    while (finished_.size() > limits::finished_instances_count_max) {
        auto const room = co_await wait_for_room();
        if (!room) co_return room;
        if (finished_.size() <= limits::finished_instances_count_max) break;
        auto const excess = finished_.size() - limits::finished_instances_count_max;
        transaction removal;
        auto oldest = finished_.begin();
        for (auto left = std::min(excess, limits::instances_per_slice_max); left > 0; --left, ++oldest)
            condemn(removal, store_.head().find<instance>(oldest->second),
                    "removed: too many finished instances are kept");
        auto const applied = apply(std::move(removal));
        if (!applied) co_return applied;
    }
    co_return result<void>{};
}

}  // namespace rik
