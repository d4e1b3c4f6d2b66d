#include "workload_keeper_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

namespace rik::detail {

namespace {

constexpr duration retry_pause = std::chrono::seconds(1);
/// What it is short of others may give back at any time.
constexpr std::chrono::seconds shortage_pause(10);

/// It may be that fewer are wanted now, or later: it has failed, or somebody wants it to go.
bool ceases_to_count(row_change<instance> const& done) {
    if (done.before && done.after && done.before->owner() != done.after->owner()) return true;
    return !done.after || is_finished(done.after->state()) || done.after->is_condemned() ||
           done.after->deleting_since();
}

bool had_ended(workload_scene const& of, workload_progress const* before) {
    if (before == nullptr && of.kept) before = &of.record.progress;
    return before != nullptr && has_ended(*before);
}

}  // namespace

/// A watcher that fell behind loses nothing: all are looked at anew.
template <class Row>
awaitable<> workload_keeper::mark_changes() {
    for (;;) {
        auto const watch = state_.watch({.table = table<Row>::id});
        marker_.mark_all();
        for (;;) {
            if constexpr (std::is_same_v<Row, node>) look_at_absence();
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

template <class Row>
void workload_keeper::mark(row_change<Row> const& done) {
    marker_.mark(done);
    if constexpr (std::is_same_v<Row, instance>) drop_plan(done);
}

void workload_keeper::drop_plan(row_change<instance> const& done) {
    if (!ceases_to_count(done)) return;
    for (auto const* row : {done.before.get(), done.after.get()})
        if (row != nullptr && row->owner()) planned_.erase(*row->owner());
}

/// Before any workload is looked at: nothing is replaced that should not be.
void workload_keeper::look_at_absence() {
    auto const was_stopped = guard_.is_stopped();
    guard_.look();
    if (was_stopped && !guard_.is_stopped()) marker_.mark_all();
}

awaitable<result<replacement_stop>> workload_keeper::resume_replacement() {
    auto const lifted = co_await guard_.lift();
    if (lifted) marker_.mark_all();
    co_return lifted;
}

awaitable<> workload_keeper::run() {
    for (;;) {
        auto const which = co_await marker_.next();
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
        marker_.mark_again(which);
        co_return co_await asio::post(strand_, asio::use_awaitable);
    }
    if (has_more || state_.failed()) co_return;
    out_.warning("a workload was not kept; it is tried again",
                 {{"workload", wanted->name}, {"error", to_string(has_more.error())}});
    marker_.mark_at(which, time_.now() + retry_pause);
}

/// Nothing is awaited between the look and the commit.
result<bool> workload_keeper::keep_slice(stored<workload> const& wanted) {
    ++looks_count_;
    if (wanted->kind == workload_kind::cron_job) return keep_cron_job(wanted);
    auto const planned = planned_.find(wanted->id);
    if (planned != planned_.end() && planned->second.wanted_at == wanted.changed_at) {
        auto const done = carry_on(wanted);
        if (!done) return done.error();
        return true;  // a look follows
    }
    planned_.erase(wanted->id);
    auto const now = time_.wall();
    auto const* const counts = counts_at_rest(wanted);
    auto scene = counts != nullptr ? look_at_releases(state_.head(), wanted)
                                   : look_at(state_.head(), wanted, guard_.rule(), now);
    auto plan = counts != nullptr ? plan_of(scene, *counts, progress_.at(wanted->id), now)
                                  : plan_of(scene, find_progress(wanted->id), now);
    if (counts == nullptr) note_rest(scene, plan);
    if (scene.damage)
        out_.error("what was kept of a rollout is damaged; it begins anew",
                   {{"workload", wanted->name}, {"error", to_string(*scene.damage)}});
    auto const count = scene.rows.size();
    if (plan.is_over) return expire(wanted);
    transaction changes;
    auto const ends_now = wanted->owner && has_ended(plan.progress) && !had_ended(scene, find_progress(wanted->id));
    auto const written = writer_.write(std::move(scene), plan, changes);
    if (ends_now) cron_jobs_.note_end(*wanted, plan.progress, changes);
    auto const applied = state_.apply(std::move(changes));
    if (!applied) return applied.error();
    if (ends_now) marker_.mark_again(*wanted->owner);
    progress_[wanted->id] = std::move(plan.progress);
    if (written.is_short) {
        wall_time const later = now + shortage_pause;
        plan.look_again = std::min(plan.look_again.value_or(later), later);
    }
    auto const has_more = written.has_more && !written.is_short;
    if (!has_more) marker_.rest(wanted->id, count, plan.look_again);
    auto const is_cut = written.creations_count > 0 && written.creations_count < plan.creations.size();
    if (is_cut && has_more && plan.removals.empty() && plan.adopted.empty())
        planned_[wanted->id] = {wanted.changed_at, std::move(plan.creations), written.creations_count};
    return has_more;
}

result<bool> workload_keeper::keep_cron_job(stored<workload> const& wanted) {
    transaction changes;
    auto done = cron_jobs_.write(wanted, progress_, changes);
    if (!changes.empty())
        if (auto const applied = state_.apply(std::move(changes)); !applied) return applied.error();
    progress_[wanted->id] = std::move(done.progress);
    if (!done.has_more) marker_.rest(wanted->id, 0, done.look_again);
    return done.has_more;
}

instance_counts const* workload_keeper::counts_at_rest(stored<workload> const& wanted) const {
    auto const rested = resting_.find(wanted->id);
    if (rested == resting_.end() || rested->second != wanted.changed_at) return nullptr;
    auto const* const counts = state_.counts().find(wanted->id);
    auto const is_seen_whole = counts != nullptr && is_at_rest(*wanted, *counts);
    return is_seen_whole && !needs_instances_seen(state_.head(), *wanted) ? counts : nullptr;
}

void workload_keeper::note_rest(workload_scene const& scene, rik::workload_plan const& plan) {
    if (comes_to_rest(scene, plan))
        resting_[scene.wanted->id] = scene.wanted.changed_at;
    else
        resting_.erase(scene.wanted->id);
}

/// It goes as if a user had deleted it.
result<bool> workload_keeper::expire(stored<workload> const& wanted) {
    transaction deletion;
    removals_.retire(deletion, wanted, "Expired",
                     "it has finished, and its time to live has passed: it is deleted with its instances");
    auto const applied = state_.apply(std::move(deletion));
    if (!applied) return applied.error();
    return false;
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
    if (!applied || written.is_short || planned.done_count == planned.all.size()) planned_.erase(wanted->id);
    return applied;
}

void workload_keeper::forget(workload_id const& which) {
    marker_.forget(which);
    progress_.erase(which);
    resting_.erase(which);
    planned_.erase(which);
}

workload_progress const* workload_keeper::find_progress(workload_id const& of) const {
    auto const found = progress_.find(of);
    return found == progress_.end() ? nullptr : &found->second;
}

}  // namespace rik::detail
