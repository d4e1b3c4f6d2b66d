#include "workload_keeper_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rik::detail {

namespace {

/// Some twenty times what a look costs for each instance: so looks take a twentieth of a core at most.
constexpr duration rest_per_instance = std::chrono::microseconds(20);
constexpr duration rest_max = std::chrono::seconds(1);
constexpr duration retry_pause = std::chrono::seconds(1);
/// What it is short of others may give back at any time.
constexpr std::chrono::seconds shortage_pause(10);

/// What is meant for one node may be placed now.
bool frees_room(row_change<instance> const& done) {
    return done.before && done.before->occupies_room() && !(done.after && done.after->occupies_room());
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
    if (row.owner() && is_managed(row.made_from()->definition->kind)) mark_owner(*row.owner());
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
    auto const now = time_.wall();
    auto scene = look_at(state_.head(), wanted, now);
    auto plan = plan_of(scene, find_progress(wanted->id), now);
    plan.progress.generation = wanted->generation;
    if (scene.damage)
        out_.error("what was kept of a rollout is damaged; it begins anew",
                   {{"workload", wanted->name}, {"error", to_string(*scene.damage)}});
    auto const count = scene.rows.size();
    transaction changes;
    auto const rest_of_plan = writer_.write(std::move(scene), plan, changes);
    auto const applied = state_.apply(std::move(changes));
    if (!applied) return applied.error();
    progress_[wanted->id] = std::move(plan.progress);
    if (rest_of_plan.is_short) {
        wall_time const later = now + shortage_pause;
        plan.look_again = std::min(plan.look_again.value_or(later), later);
    }
    auto const has_more = rest_of_plan.has_more && !rest_of_plan.is_short;
    if (!has_more) rest(wanted->id, count, plan.look_again);
    return has_more;
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
    daemon_sets_.erase(which);
}

workload_progress const* workload_keeper::find_progress(workload_id const& of) const {
    auto const found = progress_.find(of);
    return found == progress_.end() ? nullptr : &found->second;
}

}  // namespace rik::detail
