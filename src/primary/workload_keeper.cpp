#include "workload_keeper_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

namespace rik::detail {

namespace {

/// A look costs 0.2 us for each of a thousand instances, and 0.8 us for each of a hundred thousand, which are in no
/// cache (rik_cost_bench): so looks take a twentieth of a core at most, and a tenth for a workload of a million.
constexpr duration rest_per_instance = std::chrono::microseconds(20);
constexpr duration rest_max = std::chrono::seconds(10);
constexpr duration retry_pause = std::chrono::seconds(1);

/// What is meant for one node may be placed now.
bool frees_room(row_change<instance> const& done) {
    return done.before && done.before->occupies_room() && !(done.after && done.after->occupies_room());
}

/// Nothing has changed by which a controller decides what there should be. What else there is of a status only says in
/// which order instances go.
bool counts_alike(row_change<instance> const& done) {
    if (!done.before || !done.after) return false;
    auto const& a = *done.before;
    auto const& b = *done.after;
    auto const is_same_row = a.made_from()->id == b.made_from()->id && a.owner() == b.owner() && a.index() == b.index();
    auto const is_same_place = !b.meant_for() || a.binding() == b.binding();
    auto const is_same_end = a.is_condemned() == b.is_condemned() && a.deleting_since() == b.deleting_since() &&
                             is_finished(a.state()) == is_finished(b.state()) &&
                             (a.state() == instance_state::destroying) == (b.state() == instance_state::destroying);
    auto const& was = a.status();
    auto const& now = b.status();
    return is_same_row && is_same_place && is_same_end && was.ready == now.ready && was.ready_since == now.ready_since;
}

/// It may be that fewer are wanted now, or later: it has failed, or somebody wants it to go.
bool ceases_to_count(row_change<instance> const& done) {
    return !done.after || is_finished(done.after->state()) || done.after->is_condemned() ||
           done.after->deleting_since();
}

}  // namespace

/// A watcher that fell behind loses nothing: all are looked at anew.
template <class Row>
awaitable<> workload_keeper::mark_changes() {
    for (;;) {
        auto const watch = state_.watch({.table = table<Row>::id});
        mark_all();
        for (;;) {
            auto const changes = co_await watch->next();
            if (!changes) break;
            for (auto const& each : *changes) mark(std::get<row_change<Row>>(each.row));
        }
        if (state_.failed()) co_return;
        co_await asio::post(strand_, asio::use_awaitable);  // it was closed because we stop, or fell behind
    }
}

template awaitable<> workload_keeper::mark_changes<workload>();
template awaitable<> workload_keeper::mark_changes<instance>();
template awaitable<> workload_keeper::mark_changes<node>();

void workload_keeper::mark_all() {
    for (auto const& each : state_.head().list<workload>()) {
        if (!is_managed(each->kind)) continue;
        note(*each);
        mark_owner(each->id);
    }
}

void workload_keeper::note(workload const& which) {
    if (which.kind == workload_kind::daemon_set) daemon_sets_.insert(which.id);
}

void workload_keeper::mark_owner(workload_id const& which) {
    auto const rests = rests_until_.find(which);
    if (rests != rests_until_.end() && rests->second > time_.now()) return due_.mark_at(which, rests->second);
    due_.mark(which);
}

void workload_keeper::mark(row_change<workload> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    if (!is_managed(row.kind)) return;
    if (done.after) note(row);
    due_.mark(row.id);
}

void workload_keeper::mark(row_change<instance> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    auto const is_kept = row.owner() && is_managed(row.made_from()->definition->kind);
    if (is_kept && !counts_alike(done)) mark_owner(*row.owner());
    if (row.owner() && ceases_to_count(done)) planned_.erase(*row.owner());
    if (frees_room(done)) mark_daemon_sets();
}

void workload_keeper::mark_daemon_sets() {
    for (auto const& each : daemon_sets_) mark_owner(each);
}

void workload_keeper::mark(row_change<node> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    mark_daemon_sets();
    auto const is_other = !done.before || !done.after || done.before->state != done.after->state;
    if (is_other) mark_those_on(row.id);
}

void workload_keeper::mark_those_on(node_id const& where) {
    for (auto const& each : state_.head().list<instance>(rik::node_index(where)))
        if (each->owner() && is_managed(each->made_from()->definition->kind)) mark_owner(*each->owner());
}

awaitable<> workload_keeper::run() {
    for (;;) {
        auto const which = co_await due_.next();
        co_await keep(which);
    }
}

/// A slice only, so that a large workload holds up no other.
awaitable<> workload_keeper::keep(workload_id which) {
    auto const room = co_await state_.wait_for_slice();
    if (!room) co_return;  // the journal has failed, and the role stops
    auto const wanted = state_.head().find<workload>(which);
    if (!wanted || wanted->deleting_since || !is_managed(wanted->kind)) co_return forget(which);
    auto const has_more = keep_slice(wanted);
    if (has_more && *has_more) {
        due_.mark(which);
        co_return co_await asio::post(strand_, asio::use_awaitable);
    }
    if (has_more || state_.failed()) co_return;
    out_.warning("a workload was not kept; it is tried again",
                 {{"workload", wanted->name}, {"error", to_string(has_more.error())}});
    due_.mark_at(which, time_.now() + retry_pause);
}

/// Nothing is awaited between the look and the commit.
result<bool> workload_keeper::keep_slice(stored<workload> const& wanted) {
    auto const planned = planned_.find(wanted->id);
    if (planned != planned_.end() && planned->second.wanted_at == wanted.changed_at) {
        auto const done = carry_on(wanted);
        if (!done) return done.error();
        return true;  // a look follows
    }
    planned_.erase(wanted->id);
    auto const now = time_.wall();
    auto scene = look_at(state_.head(), wanted, now);
    auto plan = plan_of(scene, find_progress(wanted->id), now);
    plan.progress.generation = wanted->generation;
    if (scene.damage)
        out_.error("what was kept of a rollout is damaged; it begins anew",
                   {{"workload", wanted->name}, {"error", to_string(*scene.damage)}});
    auto const count = scene.rows.size();
    transaction changes;
    auto const written = writer_.write(std::move(scene), plan, changes);
    auto const applied = state_.apply(std::move(changes));
    if (!applied) return applied.error();
    progress_[wanted->id] = std::move(plan.progress);
    if (!written.has_more) rest(wanted->id, count, plan.look_again);
    auto const is_cut = written.creations_count > 0 && written.creations_count < plan.creations.size();
    if (is_cut && plan.removals.empty())
        planned_[wanted->id] = {wanted.changed_at, std::move(plan.creations), written.creations_count};
    return written.has_more;
}

result<void> workload_keeper::carry_on(stored<workload> const& wanted) {
    auto& planned = planned_.at(wanted->id);
    auto const left = std::span(planned.all).subspan(planned.done_count);
    auto const some = left.first(std::min(left.size(), limits::instances_per_slice_max));
    rik::workload_plan part{.creations = {some.begin(), some.end()}, .progress = progress_.at(wanted->id)};
    transaction changes;
    auto const written = writer_.write(look_at_record(state_.head(), wanted), part, changes);
    auto applied = state_.apply(std::move(changes));
    planned.done_count += written.creations_count;
    if (!applied || planned.done_count == planned.all.size()) planned_.erase(wanted->id);
    return applied;
}

void workload_keeper::rest(workload_id const& which, std::size_t instances_count, std::optional<wall_time> look_again) {
    auto const now = time_.now();
    rests_until_[which] = now + std::min<duration>(rest_per_instance * static_cast<int>(instances_count), rest_max);
    if (!look_again) return;
    auto const later = std::max<duration>(*look_again - time_.wall(), duration());
    due_.mark_at(which, std::max(now + later, rests_until_[which]));
}

void workload_keeper::forget(workload_id const& which) {
    due_.forget(which);
    progress_.erase(which);
    rests_until_.erase(which);
    planned_.erase(which);
    daemon_sets_.erase(which);
}

workload_progress const* workload_keeper::find_progress(workload_id const& of) const {
    auto const found = progress_.find(of);
    return found == progress_.end() ? nullptr : &found->second;
}

}  // namespace rik::detail
