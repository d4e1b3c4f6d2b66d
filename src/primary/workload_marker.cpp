#include "workload_marker_detail.hpp"

#include "workload_scene_detail.hpp"

#include <algorithm>
#include <chrono>

namespace rik::detail {

namespace {

/// A look costs 0.2 us for each of a thousand instances, and 0.8 us for each of a hundred thousand, which are in no
/// cache (rik_cost_bench): so looks take a twentieth of a core at most, and a tenth for a workload of a million. At
/// rest none is looked at.
constexpr duration rest_per_instance = std::chrono::microseconds(20);
/// What is kept of a rollout is read at every look.
constexpr duration rest_min = std::chrono::milliseconds(1);
constexpr duration rest_max = std::chrono::seconds(10);

std::uint64_t restarts_of(instance const& row) {
    std::uint64_t sum = 0;
    for (auto const& each : row.status().containers) sum += each.restart_count;
    return sum;
}

/// Nothing has changed by which a controller decides what there should be. What else there is of a status only says in
/// which order instances go.
bool counts_alike(row_change<instance> const& done) {
    if (!done.before || !done.after) return false;
    auto const& a = *done.before;
    auto const& b = *done.after;
    auto const is_same_row = a.made_from()->id == b.made_from()->id && a.owner() == b.owner() &&
                             a.index() == b.index() && a.fields().labels == b.fields().labels;
    auto const is_same_place = !b.meant_for() || a.binding() == b.binding();
    auto const is_same_end = a.is_condemned() == b.is_condemned() && a.deleting_since() == b.deleting_since() &&
                             is_finished(a.state()) == is_finished(b.state()) &&
                             (a.state() == instance_state::destroying) == (b.state() == instance_state::destroying);
    if (a.is_counted() != b.is_counted()) return false;
    // With OnFailure a Job counts restarts, too.
    auto const counts_restarts = b.made_from()->definition->kind == workload_kind::job;
    if (counts_restarts && restarts_of(a) != restarts_of(b)) return false;
    auto const& was = a.status();
    auto const& now = b.status();
    return is_same_row && is_same_place && is_same_end && was.ready == now.ready &&
           was.ready_since == now.ready_since && was.restarts == now.restarts;
}

/// What is meant for one node may be placed now.
bool frees_room(row_change<instance> const& done) {
    return done.before && done.before->occupies_room() && !(done.after && done.after->occupies_room());
}

}  // namespace

void workload_marker::mark_all() {
    for (auto const& each : state_.head().list<workload>()) {
        if (!is_managed(each->kind)) continue;
        note(*each);
        mark_owner(each->id);
    }
}

void workload_marker::note(workload const& which) {
    if (which.kind == workload_kind::daemon_set) daemon_sets_.insert(which.id);
    if (adopts(which)) adopters_[which.tenant].insert(which.id);
}

void workload_marker::mark_owner(workload_id const& which) {
    auto const rests = rests_until_.find(which);
    if (rests != rests_until_.end() && rests->second > time_.now()) return due_.mark_at(which, rests->second);
    due_.mark(which);
}

void workload_marker::mark(row_change<workload> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    if (!is_managed(row.kind)) return;
    if (done.after) note(row);
    due_.mark(row.id);
    if (row.owner && !(done.before && done.after)) due_.mark(*row.owner);  // a CronJob, of which a Job comes or goes
}

/// It was not made by its owner if that has adopted it.
void workload_marker::mark_owner_of(instance const& row) {
    if (!row.owner()) return;
    if (is_managed(row.made_from()->definition->kind) || is_adopter(row)) mark_owner(*row.owner());
}

void workload_marker::mark(row_change<instance> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    if (!counts_alike(done)) mark_owner_of(row);
    if (done.before && done.before->owner() != row.owner()) mark_owner_of(*done.before);
    if (!row.owner() && !counts_alike(done)) mark_adopters(row.tenant());
    if (frees_room(done)) mark_daemon_sets();
}

bool workload_marker::is_adopter(instance const& row) const {
    auto const some = adopters_.find(row.tenant());
    return some != adopters_.end() && some->second.contains(*row.owner());
}

void workload_marker::mark_adopters(std::string const& tenant) {
    auto const some = adopters_.find(tenant);
    if (some == adopters_.end()) return;
    for (auto const& each : some->second) mark_owner(each);
}

void workload_marker::mark_daemon_sets() {
    for (auto const& each : daemon_sets_) mark_owner(each);
}

void workload_marker::mark(row_change<node> const& done) {
    auto const& row = done.after ? *done.after : *done.before;
    mark_daemon_sets();
    auto const is_other = !done.before || !done.after || done.before->state != done.after->state;
    if (is_other) mark_those_on(row.id);
}

void workload_marker::mark_those_on(node_id const& where) {
    for (auto const& each : state_.head().list<instance>(rik::node_index(where))) mark_owner_of(*each);
}

void workload_marker::rest(workload_id const& which, std::size_t instances_count, std::optional<wall_time> look_again) {
    auto const now = time_.now();
    rests_until_[which] =
        now + std::clamp<duration>(rest_per_instance * static_cast<int>(instances_count), rest_min, rest_max);
    if (!look_again) return;
    auto const later = std::max<duration>(*look_again - time_.wall(), duration());
    due_.mark_at(which, std::max(now + later, rests_until_[which]));
}

void workload_marker::forget(workload_id const& which) {
    due_.forget(which);
    rests_until_.erase(which);
    daemon_sets_.erase(which);
    for (auto& [tenant, some] : adopters_) some.erase(which);
}

}  // namespace rik::detail
