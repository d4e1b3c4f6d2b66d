#include "removals_detail.hpp"

#include "cron_jobs_detail.hpp"
#include "instance_changes_detail.hpp"
#include "lookup_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/rollout.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace rik::detail {

namespace {

/// `from` as it is once somebody wants it gone.
instance condemned(instance const& from, wall_time now, std::string message, departure how) {
    auto next = from.fields();
    next.is_disrupted = next.is_disrupted || how == departure::disrupted;
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

void removals::mark(transaction& into, stored<workload> const& which, cascade of_instances) {
    auto next = *which;
    next.orphans_instances = of_instances == cascade::orphan;
    next.deleting_since = next.updated_at = time_.wall();
    ++next.generation;
    into.put(std::move(next), which.changed_at);
}

void removals::condemn(transaction& into, stored<instance> const& which, std::string message, departure how) {
    if (how == departure::excused) state_.excuse(which->id());
    auto happened = events_.about(*which);
    happened.reason = "Deleting";
    happened.message = fmt::format("{}: {}", which->is_pending() ? "terminated" : "destroying", message);
    events_.note(into, std::move(happened));
    remove_with(into, *which);
    if (which->is_pending()) return into.remove<instance>(which->id(), which.changed_at);
    into.put(condemned(*which, time_.wall(), std::move(message), how), which.changed_at);
}

/// An earlier release of RIK made several instances of such a workload: it goes with the last of them.
void removals::remove_with(transaction& into, instance const& leaving) {
    auto const row = leaving.owner() ? state_.head().find<workload>(*leaving.owner()) : stored<workload>();
    if (!row || row->deleting_since || !is_one_with_its_instance(*row)) return;
    if (state_.head().count<instance>(owner_index(row->id)) > 1) return;
    if (leaving.is_pending() && row->finalizers.empty()) return remove_if_empty(into, row->id, 1);
    mark(into, row);
}

void removals::remove_if_empty(transaction& into, workload_id const& which, std::size_t leaving_count) {
    auto const& head = state_.head();
    auto const row = head.find<workload>(which);
    if (!row || !(row->deleting_since || is_one_with_its_instance(*row)) || !row->finalizers.empty() ||
        head.count<instance>(owner_index(which)) > leaving_count || head.count<workload>(owner_index(which)) > 0)
        return;
    auto happened = events_.about(*row);
    happened.reason = "Deleted";
    happened.message = row->orphans_instances ? "the workload is gone; its instances stay, and are nobody's"
                                              : "the workload and all its instances are gone";
    events_.note(into, std::move(happened));
    for (auto const& each : head.list<release>("workload/" + which.text()))  // orphans keep theirs
        if (!row->orphans_instances || state_.count_made_from(each->id) == 0)
            into.remove<release>(each->id, each.changed_at);
    if (auto const kept = head.find<document>(rollout_key(*row))) into.remove<document>(kept->key, kept.changed_at);
    if (auto const kept = head.find<document>(job_record_key(*row))) into.remove<document>(kept->key, kept.changed_at);
    into.remove<workload>(which, row.changed_at);
    if (row->owner) end_soon(*row->owner);  // a CronJob that is being deleted goes after the last of its Jobs
    if (is_leaving(head, row->tenant)) tenants_due_.notify();
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
    events_.tell_departure(into, all, message);
}

namespace {

/// What runs on a node and does not tolerate `by`.
std::vector<instance_id> driven_off(view const& in, node_id const& from, taint const& by) {
    std::vector<instance_id> found;
    for (auto const& each : in.list<instance>(rik::node_index(from)))
        if (!each->is_condemned() && !is_finished(each->state()) && !tolerates(each->spec().tolerations, by))
            found.push_back(each->id());
    return found;
}

}  // namespace

awaitable<result<void>> removals::evict(node_id from) {
    auto const row = state_.head().find<node>(from);
    if (!row) co_return result<void>{};
    for (auto const& each : row->standing.taints) {
        if (each.effect != taint_effect::no_execute) continue;
        auto leaving =
            remove_all(driven_off(state_.head(), from, each),
                       fmt::format("evicted: its node has the taint {}", to_string(each)), departure::disrupted);
        auto const done = co_await std::move(leaving);
        if (!done) co_return done;
    }
    co_return result<void>{};
}

awaitable<result<void>> removals::remove_all(std::vector<instance_id> left, std::string message, departure how) {
    return remove(std::move(left), std::nullopt, std::move(message), how);
}

namespace {

/// Those that nobody wants gone yet.
std::vector<instance_id> ids_of(std::vector<stored<instance>> const& some) {
    std::vector<instance_id> found;
    for (auto const& each : some)
        if (!each->is_condemned()) found.push_back(each->id());
    return found;
}

}  // namespace

/// No more are made of a workload that is being deleted.
awaitable<result<void>> removals::remove_instances_of(workload_id which) {
    auto const without_jobs = co_await remove_jobs_of(state_, *this, which);
    if (!without_jobs) co_return without_jobs;
    auto left = ids_of(state_.head().list<instance>(owner_index(which)));
    auto removing = remove(std::move(left), which, "its workload is being deleted", departure::asked);
    co_return co_await std::move(removing);
}

/// Whether a workload leaves its instances is asked for each slice: its tenant may be deleted meanwhile, and takes them
/// along.
awaitable<result<void>> removals::remove(std::vector<instance_id> left, std::optional<workload_id> of,
                                         std::string message, departure how) {
    do {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        auto const owner = of ? state_.head().find<workload>(*of) : stored<workload>();
        auto const are_left = owner && owner->orphans_instances;
        transaction slice;
        std::size_t leaving_count = 0;
        std::vector<stored<instance>> departed;
        auto const from = left.size() - std::min(left.size(), limits::instances_per_slice_max);
        for (auto const& id : std::span(left).subspan(from)) {
            auto const row = state_.head().find<instance>(id);
            if (!row || row->is_condemned()) continue;
            if (of && row->owner() != of) continue;  // another call has left it meanwhile
            leaving_count += are_left || row->is_pending() ? 1 : 0;
            if (are_left)
                slice.put(orphaned(*row), row.changed_at);
            else
                condemn(slice, row, message, how);
            if (how == departure::disrupted) departed.push_back(row);
        }
        events_.tell_departure(slice, departed, message);
        left.resize(from);
        if (of) remove_if_empty(slice, *of, leaving_count);
        auto const done = co_await state_.commit(std::move(slice));
        if (!done) co_return done;
    } while (!left.empty());
    co_return result<void>{};
}

namespace {

/// The first of `slice`, so many that their texts are small beside the room in front of the journal.
void cut_by_bytes(std::vector<stored<workload>>& slice) {
    std::size_t bytes = 0;
    auto const is_too_much = [&](stored<workload> const& row) {
        bytes += row->definition->text.size() + row->applied.size();
        return bytes > limits::unflushed_bytes_max / 8;
    };
    auto const cut = std::find_if(slice.begin(), slice.end(), is_too_much);
    slice.erase(cut == slice.begin() && cut != slice.end() ? cut + 1 : cut, slice.end());
}

/// Workloads of a tenant whose names come after `after`.
std::vector<stored<workload>> workloads_after(view const& in, std::string const& tenant, std::string const& after) {
    // A workload that goes at once costs its mark, its row, its releases, its event and an old event.
    constexpr std::size_t workloads_per_slice_max = limits::instances_per_slice_max / 2;
    auto const prefix = name_prefix(tenant);
    auto slice = in.list_after<workload>({}, std::max(after, prefix), workloads_per_slice_max);
    std::erase_if(slice, [&](auto const& row) { return !table<workload>::name_of(*row).starts_with(prefix); });
    cut_by_bytes(slice);
    return slice;
}

bool has_rows(view const& in, std::string const& tenant) {
    auto const prefix = name_prefix(tenant);
    auto const first = in.list_after<workload>({}, prefix, 1);
    if (!first.empty() && first.front()->tenant == tenant) return true;
    auto const one = in.list_after<instance>({}, prefix, 1);
    return !one.empty() && one.front()->tenant() == tenant;
}

}  // namespace

awaitable<result<tenant_contents>> removals::remove_contents_of(std::string tenant) {
    tenant_contents found;
    std::string after;
    for (;;) {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room.error();
        auto const slice = workloads_after(state_.head(), tenant, after);  // no more are made in it
        if (slice.empty()) break;
        after = table<workload>::name_of(*slice.back());
        transaction marks;
        std::vector<workload_id> some;
        for (auto const& each : slice) {
            some.push_back(each->id);
            found.instances_count += state_.head().count<instance>(owner_index(each->id));
            if (!each->deleting_since || each->orphans_instances) mark(marks, each);
        }
        found.workloads_count += slice.size();
        auto const marked = state_.apply(std::move(marks));
        if (!marked) co_return marked.error();
        auto const removed = co_await remove_slice(some);
        if (!removed) co_return removed.error();
    }
    auto orphans = ids_of(state_.head().list<instance>(orphan_index(tenant)));
    found.instances_count += orphans.size();
    auto const removed = co_await remove_all(std::move(orphans), "its tenant is being deleted", departure::asked);
    if (!removed) co_return removed.error();
    tenants_due_.notify();
    auto const durable = co_await state_.wait_durable();
    if (!durable) co_return durable.error();
    co_return found;
}

/// Those that are empty go in one commit; the others one by one.
awaitable<result<void>> removals::remove_slice(std::vector<workload_id> const& some) {
    transaction ended;
    for (auto const& id : some) remove_if_empty(ended, id, 0);
    auto const applied = state_.apply(std::move(ended));
    if (!applied) co_return applied;
    for (std::size_t i = 0; i < some.size(); ++i) {
        if (!state_.head().find<workload>(some[i])) continue;
        auto const removed = co_await remove_instances_of(some[i]);
        if (!removed) co_return removed;
    }
    co_return result<void>{};
}

awaitable<> removals::end_tenants() {
    for (;;) {
        co_await tenants_due_.wait();
        auto const tenants = state_.head().list<document>(kind_index(tenant_kind));
        for (auto const& each : tenants) {
            auto const name = each->key.name;
            if (!is_leaving(state_.head(), name) || has_rows(state_.head(), name)) continue;
            auto const ended = co_await end_tenant(name);
            if (!ended && !state_.failed())
                out_.error("tenant not removed", {{"tenant", name}, {"error", to_string(ended.error())}});
        }
    }
}

/// Slice by slice; in the commit that takes its last documents goes the tenant. Nothing is made in it any more, so
/// nothing tells of it any more.
awaitable<result<void>> removals::end_tenant(std::string name) {
    for (;;) {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        auto const record = state_.head().find<document>(tenant_key(name));
        if (!record) co_return result<void>{};
        auto left = state_.head().list<document>(tenant_index(name));
        auto const is_last = left.size() <= limits::instances_per_slice_max;
        left.resize(std::min(left.size(), limits::instances_per_slice_max));
        transaction slice;
        for (auto const& each : left) slice.remove<document>(each->key, each.changed_at);
        if (is_last) slice.remove<document>(record->key, record.changed_at);
        auto const done = co_await state_.commit(std::move(slice));
        if (!done || is_last) co_return done;
    }
}

namespace {

/// The removal of those of `some` that are of no use, a commit's worth at most; they are taken out of it.
transaction plan_end_of_releases(cluster_state const& state, std::set<release_id>& some) {
    transaction ended;
    while (!some.empty() && ended.size() < limits::instances_per_slice_max) {
        auto const id = some.extract(some.begin()).value();
        auto const row = state.head().find<release>(id);
        if (!row || state.count_made_from(id) > 0) continue;
        auto const owner = state.head().find<workload>(row->workload);
        if (owner && is_managed(owner->kind)) continue;  // its controller says when they go
        if (!owner || owner->current_release != id) ended.remove<release>(id, row.changed_at);
    }
    return ended;
}

}  // namespace

awaitable<> removals::end_releases() {
    for (;;) {
        auto some = co_await state_.wait_unused_releases();
        while (!some.empty()) {
            auto const room = co_await state_.wait_for_slice();
            if (!room) co_return;  // the journal has failed, and the role stops
            auto ended = plan_end_of_releases(state_, some);
            if (ended.empty()) continue;
            auto const done = state_.apply(std::move(ended));
            if (!done && !state_.failed()) out_.error("releases not removed", {{"error", to_string(done.error())}});
        }
    }
}

void removals::retire(transaction& into, stored<workload> const& which, std::string reason, std::string message) {
    auto happened = events_.about(*which);
    happened.reason = std::move(reason);
    happened.message = std::move(message);
    events_.note(into, std::move(happened));
    mark(into, which);
    end_soon(which->id);
}

void removals::end_soon(workload_id const& which) {
    retired_.push_back(which);
    retired_due_.notify();
}

/// What a crash cuts short is finished at the next start.
awaitable<> removals::end_workloads() {
    for (;;) {
        while (retired_.empty()) co_await retired_due_.wait();
        auto const which = retired_.front();
        retired_.pop_front();
        auto const row = state_.head().find<workload>(which);
        if (!row || !row->deleting_since) continue;
        auto const done = co_await remove_instances_of(which);
        if (!done && !state_.failed())
            out_.error("deletion not finished", {{"workload", which.text()}, {"error", to_string(done.error())}});
    }
}

awaitable<> removals::finish_deletions() {
    auto const tenants = state_.head().list<document>(kind_index(tenant_kind));
    for (auto const& each : tenants) {
        if (!is_leaving(state_.head(), each->key.name)) continue;
        auto const done = co_await remove_contents_of(each->key.name);
        if (!done)
            out_.error("deletion not finished", {{"tenant", each->key.name}, {"error", to_string(done.error())}});
    }
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
