#include "bindings_detail.hpp"

#include "container_events_detail.hpp"
#include "node_changes_detail.hpp"
#include "tidy_detail.hpp"
#include "unplaced_detail.hpp"

#include <rik/controllers/controller.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

/// What is wanted of a condemned instance stays said until its node confirms, and why, unless the node, which knows by
/// then, says more; only what was seen of it changes.
void keep_condemned(instance_status& next, instance_status const& before) {
    if (next.state != instance_state::destroying) {
        next.reason = before.reason;
        next.message = before.message;
    }
    next.state = instance_state::destroying;
    next.since = before.since;
    next.ready = false;
    next.ready_since.reset();
    explain_unstarted(next);
}

/// Is it a reason of an instance that only sums up what its containers do?
bool tells_of_containers(std::string_view reason) {
    return reason == "CrashLoopBackOff" || reason == "Restarted" || reason == "ContainerExited";
}

/// `row` once `news` is taken. Errors: conflict, its state does not follow.
result<instance_fields> with_status(instance const& row, instance_status said) {
    auto next = row.fields();
    next.status = std::move(said);
    // A node that has lost what it held is not asked again for what was done.
    next.status.restarts = std::max(next.status.restarts, row.status().restarts);
    if (row.is_condemned()) {
        keep_condemned(next.status, row.status());
        return next;
    }
    if (auto const legal = advance(row.state(), next.status.state); !legal) return legal.error();
    // Its node says so when it has let go of everything.
    if (is_finished(next.status.state)) next.binding->vacated = true;
    return next;
}

/// What is made in its place ought to have a reason. A Job counts ends.
bool is_replaced_when_it_ends(instance const& row) {
    auto const kind = row.made_from()->definition->kind;
    return row.owner() && is_managed(kind) && !has_end(kind);
}

std::string end_text(instance_status const& of) {
    return fmt::format("it has {} ({}): {}", of.state == instance_state::failed ? "failed" : "ended", of.reason,
                       of.message);
}

}  // namespace

result<void> bindings::handle(proposal const& news) {
    auto const row = state_.head().find<instance>(news.instance);
    if (!row || !row->is_pending()) return {};
    auto const* const node = state_.ledger().find(news.node);
    auto const why =
        node == nullptr ? refusal("node is not registered") : rik::refuse(*node, *row->made_from(), policy_);
    if (why) {
        out_.debug("proposal refused", {{"instance", row->name()}, {"reason", std::string(*why)}});
        due_.refuse(news.instance);
        return {};
    }
    auto const port = ports_.choose_on(*node, *row, transaction());
    if (!port) {
        out_.warning("instance not bound", {{"instance", row->name()}, {"error", to_string(port.error())}});
        due_.refuse(news.instance);
        return {};
    }
    auto next = row->fields();
    next.exposed_port = *port;
    next.binding = node_binding{.node = news.node, .fence = state_.next_revision()};
    next.status.reason = "Scheduled";
    next.status.message = fmt::format("placed on node {}", node->name);
    auto happened = events_.about(*row);
    happened.reason = next.status.reason;
    happened.message = next.status.message;
    transaction binding;
    events_.note(binding, std::move(happened));
    binding.put(instance(std::move(next)), row.changed_at);
    return state_.apply(std::move(binding));
}

result<void> bindings::handle(unplaced_instance const& news) {
    auto const row = state_.head().find<instance>(news.instance);
    if (!row || !row->is_pending()) return {};
    transaction update;
    if (!note_unplaced(update, events_, row, news.reason)) return {};
    return state_.apply(std::move(update));
}

result<void> bindings::handle(status_report const& news) {
    auto const row = state_.head().find<instance>(news.instance);
    if (!row || !row->binding() || row->binding()->fence != news.fence) return {};  // news of another binding
    if (news.status.seq <= row->status().seq) return {};                            // old news
    auto next = with_status(*row, tidied(news.status));
    if (!next) {
        out_.warning("state not taken", {{"instance", row->name()}, {"error", to_string(next.error())}});
        return {};
    }
    transaction update;
    for (auto& each : story_of(*row, next->status, news.status)) events_.note(update, std::move(each));
    if (is_replaced_when_it_ends(*row) && !is_finished(row->state()) && is_finished(next->status.state))
        events_.tell_departure(update, {row}, end_text(next->status));
    update.put(instance(std::move(*next)), row.changed_at);
    return state_.apply(std::move(update));
}

/// What has happened, each once: of two containers of one name a node would tell the same.
std::vector<event> bindings::story_of(instance const& row, instance_status const& now,
                                      instance_status const& said) const {
    std::vector<event> all;
    auto of_containers = container_events(row.status(), now);
    auto const is_told = now.state == row.state() && tells_of_containers(now.reason) && !of_containers.empty();
    if (!is_told && (now.reason != row.status().reason || now.state != row.state()))
        all.push_back(seen_by_node(row, now, said));
    for (auto& each : of_containers) {
        auto happened = seen_on_node(row);
        happened.type = each.type;
        happened.reason = std::move(each.reason);
        happened.message = std::move(each.message);
        auto const is_same = [&](event const& other) {
            return other.reason == happened.reason && other.message == happened.message;
        };
        if (std::ranges::none_of(all, is_same)) all.push_back(std::move(happened));
    }
    return all;
}

event bindings::seen_on_node(instance const& row) const {
    auto happened = events_.about(row);
    auto const* const holder = state_.ledger().find(row.binding()->node);
    happened.source = "node " + (holder == nullptr ? row.binding()->node.text() : holder->name);
    return happened;
}

/// What its node has seen, now that its status is `now`.
event bindings::seen_by_node(instance const& row, instance_status const& now, instance_status const& said) const {
    auto happened = seen_on_node(row);
    happened.type = said.state == instance_state::failed ? event_type::warning : event_type::normal;
    happened.reason = said.reason;
    happened.message =
        now.state == row.state() ? said.message : fmt::format("{}: {}", to_string(now.state), said.message);
    return happened;
}

result<void> bindings::handle(gone_report const& news) {
    auto const row = state_.head().find<instance>(news.instance);
    if (!row) return clear_remnant(news);
    if (!row->is_condemned()) return {};
    if (row->binding()->node != news.node || row->binding()->fence != news.fence) return {};
    auto happened = events_.about(*row);
    happened.reason = "Terminated";
    happened.message = "terminated: its node has removed everything of it";
    transaction removal;
    events_.note(removal, std::move(happened));
    removal.remove<instance>(news.instance, row.changed_at);
    if (row->owner()) removals_.remove_if_empty(removal, *row->owner(), 1);
    auto const where = state_.head().find<node>(news.node);
    if (where && is_being_removed(*where) && state_.head().count<instance>(rik::node_index(news.node)) == 1)
        forget_node(removal, events_, where);
    return state_.apply(std::move(removal));
}

/// A node that was declared dead is back, and one thing less is left on it.
result<void> bindings::clear_remnant(gone_report const& news) {
    auto const row = state_.head().find<node>(news.node);
    if (!row || row->remnants.empty()) return {};
    auto next = *row;
    if (std::erase(next.remnants, remnant{news.instance, news.fence}) == 0) return {};
    settle_death(next);
    transaction update;
    if (!next.standing.is_dead) events_.note(update, cleared(next));
    update.put(std::move(next), row.changed_at);
    return state_.apply(std::move(update));
}

event bindings::cleared(node const& which) const {
    auto happened = events_.about(which);
    happened.reason = "NodeCleared";
    happened.message = "the node was declared dead; nothing of before is left on it, and it takes instances again";
    return happened;
}

}  // namespace rik::detail
