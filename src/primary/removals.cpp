#include "removals_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace rik::detail {

namespace {

/// `from` as it is once somebody wants it gone.
instance condemned(instance const& from, wall_time now, std::string message) {
    auto next = from.fields();
    next.binding->condemned = true;
    next.deleting_since = now;
    next.status.state = instance_state::destroying;
    next.status.since = now;
    next.status.reason = "Deleting";
    next.status.message = std::move(message);
    next.status.ready = false;
    explain_unstarted(next.status);
    return instance(std::move(next));
}

}  // namespace

void removals::condemn(transaction& into, stored<instance> const& which, std::string message) {
    auto happened = events_.about(*which);
    happened.reason = "Deleting";
    happened.message = fmt::format("{}: {}", which->is_pending() ? "terminated" : "destroying", message);
    events_.note(into, std::move(happened));
    if (which->is_pending()) return into.remove<instance>(which->id(), which.changed_at);
    into.put(condemned(*which, time_.wall(), std::move(message)), which.changed_at);
}

void removals::remove_if_empty(transaction& into, workload_id const& which, std::size_t leaving_count) {
    auto const& head = state_.head();
    auto const row = head.find<workload>(which);
    if (!row || !row->deleting_since || !row->finalizers.empty() ||
        head.count<instance>(owner_index(which)) > leaving_count)
        return;
    auto happened = events_.about(*row);
    happened.reason = "Deleted";
    happened.message = "the workload and all its instances are gone";
    events_.note(into, std::move(happened));
    for (auto const& each : head.list<release>("workload/" + which.text()))
        into.remove<release>(each->id, each.changed_at);
    into.remove<workload>(which, row.changed_at);
}

void removals::give_up(transaction& into, std::vector<stored<instance>> const& all, std::string const& message) {
    std::map<workload_id, std::size_t> leaving_count;
    for (auto const& each : all) {
        auto happened = events_.about(*each);
        happened.type = event_type::warning;
        happened.reason = "GivenUp";
        happened.message = message;
        events_.note(into, std::move(happened));
        into.remove<instance>(each->id(), each.changed_at);
        if (each->owner()) ++leaving_count[*each->owner()];
    }
    for (auto const& [owner, count] : leaving_count) remove_if_empty(into, owner, count);
}

awaitable<result<void>> removals::evict(node_id from) {
    auto const row = state_.head().find<node>(from);
    if (!row) co_return result<void>{};
    auto const tainted = std::ranges::find(row->standing.taints, taint_effect::no_execute, &taint::effect);
    if (tainted == row->standing.taints.end()) co_return result<void>{};
    auto message = fmt::format("evicted: its node has the taint {}", to_string(*tainted));
    std::vector<instance_id> left;
    for (auto const& each : state_.head().list<instance>(rik::node_index(from)))
        if (!each->is_condemned() && !is_finished(each->state())) left.push_back(each->id());
    co_return co_await remove_all(std::move(left), std::move(message));
}

awaitable<result<void>> removals::remove_all(std::vector<instance_id> left, std::string message) {
    return remove(std::move(left), std::nullopt, std::move(message));
}

awaitable<result<void>> removals::remove_instances_of(workload_id which) {
    std::vector<instance_id> left;  // no more are made of a workload that is being deleted
    for (auto const& each : state_.head().list<instance>(owner_index(which)))
        if (!each->is_condemned()) left.push_back(each->id());
    return remove(std::move(left), which, "its workload is being deleted");
}

awaitable<result<void>> removals::remove(std::vector<instance_id> left, std::optional<workload_id> of,
                                         std::string message) {
    do {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        transaction slice;
        std::size_t leaving_count = 0;
        auto const from = left.size() - std::min(left.size(), limits::instances_per_slice_max);
        for (auto const& id : std::span(left).subspan(from)) {
            auto const row = state_.head().find<instance>(id);
            if (!row || row->is_condemned()) continue;
            leaving_count += row->is_pending() ? 1 : 0;
            condemn(slice, row, message);
        }
        left.resize(from);
        if (of) remove_if_empty(slice, *of, leaving_count);
        auto const done = co_await state_.commit(std::move(slice));
        if (!done) co_return done;
    } while (!left.empty());
    co_return result<void>{};
}

awaitable<> removals::finish_deletions() {
    auto const workloads = state_.head().list<workload>();
    for (auto const& each : workloads) {
        if (!each->deleting_since) continue;
        auto const id = each->id;
        auto const done = co_await remove_instances_of(id);
        if (!done) out_.error("deletion not finished", {{"workload", id.text()}, {"error", to_string(done.error())}});
    }
    auto const nodes = state_.head().list<node>();
    for (auto const& each : nodes) {
        auto const evicted = co_await evict(each->id);
        if (!evicted)
            out_.error("eviction not finished", {{"node", each->facts.name}, {"error", to_string(evicted.error())}});
    }
}

awaitable<result<void>> removals::limit_finished() {
    for (;;) {
        if (state_.finished().find_excess(1).empty()) co_return result<void>{};
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        transaction removal;
        for (auto const& id : state_.finished().find_excess(limits::instances_per_slice_max))
            condemn(removal, state_.head().find<instance>(id), "removed: too many finished instances are kept");
        auto const applied = state_.apply(std::move(removal));
        if (!applied) co_return applied;
    }
}

}  // namespace rik::detail
