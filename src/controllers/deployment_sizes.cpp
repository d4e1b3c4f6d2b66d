#include "deployment_sizes_detail.hpp"

#include <rik/base/assert.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

size_bounds bounds_of(workload_upkeep const& upkeep, std::int64_t replicas) {
    if (upkeep.policy != update_policy::rolling || replicas == 0) return {.replicas = replicas};
    auto const room = room_of_deployment(upkeep, replicas);
    return {replicas, room.surge, std::min(room.unavailable, replicas)};
}

release_sizes::release_sizes(std::vector<planned_release> all, size_bounds const& bounds)
    : all_(std::move(all)), bounds_(bounds) {
    std::ranges::sort(all_, {}, [](planned_release const& each) { return std::pair(each.number, each.id); });
    for (auto& each : all_) each.available = std::min(each.available, each.count);
}

planned_release& release_sizes::find_current() {
    auto const found = std::ranges::find(all_, true, &planned_release::is_current);
    RIK_ASSERT(found != all_.end());
    return *found;
}

planned_release const& release_sizes::current() const { return const_cast<release_sizes&>(*this).find_current(); }

std::int64_t release_sizes::total() const {
    std::int64_t sum = 0;
    for (auto const& each : all_) sum += each.count;
    return sum;
}

/// The oldest first.
std::vector<planned_release*> release_sizes::old_ones() {
    std::vector<planned_release*> found;
    for (auto& each : all_)
        if (!each.is_current) found.push_back(&each);
    return found;
}

std::vector<planned_release*> release_sizes::active_ones() {
    std::vector<planned_release*> found;
    for (auto& each : all_)
        if (each.count > 0) found.push_back(&each);
    return found;
}

void release_sizes::set(planned_release& of, std::int64_t count) {
    of.count = std::max<std::int64_t>(count, 0);
    of.available = std::min(of.available, of.count);
    of.wanted = bounds_.replicas;
    of.max = bounds_.total_max();
    of.was_sized = true;
}

// Rolling

void release_sizes::roll() {
    // Each round gives away or takes at least one, so it comes to rest: what shrinks makes room for what grows.
    for (;;) {
        auto const has_grown = grow_current();
        auto const has_shrunk = shrink_old();
        if (!has_grown && !has_shrunk) return;
    }
}

bool release_sizes::grow_current() {
    auto& of = find_current();
    if (of.count == bounds_.replicas && of.was_sized) return false;
    if (of.count > bounds_.replicas) {
        set(of, bounds_.replicas);
        return true;
    }
    auto const room = std::max<std::int64_t>(bounds_.total_max() - total(), 0);
    auto const more = std::min(room, bounds_.replicas - of.count);
    if (more == 0 && of.was_sized) return false;
    set(of, of.count + more);
    return more > 0;
}

bool release_sizes::shrink_old() {
    auto const& newest = current();
    auto const not_available = newest.count - newest.available;
    auto const count_max = total() - bounds_.available_min() - not_available;
    if (count_max <= 0 || total() == newest.count) return false;
    auto const unavailable = shrink_unavailable(count_max);
    return unavailable + shrink_available() > 0;
}

std::int64_t release_sizes::shrink_unavailable(std::int64_t count_max) {
    std::int64_t done = 0;
    for (auto* each : old_ones()) {
        auto const fewer = std::min(count_max - done, each->count - each->available);
        if (fewer <= 0) continue;
        set(*each, each->count - fewer);
        done += fewer;
    }
    return done;
}

std::int64_t release_sizes::shrink_available() {
    std::int64_t available = 0;
    for (auto const& each : all_) available += each.available;
    auto const count_max = available - bounds_.available_min();
    std::int64_t done = 0;
    for (auto* each : old_ones()) {
        auto const fewer = std::min(count_max - done, each->count);
        if (fewer <= 0) continue;
        set(*each, each->count - fewer);
        done += fewer;
    }
    return done;
}

// Recreating

void release_sizes::recreate(bool old_are_gone) {
    for (auto* each : old_ones()) {
        if (each->count > 0) set(*each, 0);
    }
    auto& of = find_current();
    auto const wanted = old_are_gone ? bounds_.replicas : std::min(of.count, bounds_.replicas);
    if (of.count != wanted || !of.was_sized) set(of, wanted);
}

// Scaling

bool release_sizes::must_scale() const {
    return std::ranges::any_of(
        all_, [&](planned_release const& each) { return each.count > 0 && each.wanted != bounds_.replicas; });
}

planned_release* release_sizes::find_only_or_latest() {
    auto const active = active_ones();
    if (active.size() == 1) return active.front();
    if (!active.empty()) return nullptr;
    if (current().was_sized) return &find_current();
    auto const is_sized = [](planned_release const& each) { return each.was_sized; };
    auto const found = std::find_if(all_.rbegin(), all_.rend(), is_sized);
    return found == all_.rend() ? nullptr : &*found;
}

bool release_sizes::is_saturated() const {
    auto const& of = current();
    return of.count == bounds_.replicas && of.wanted == bounds_.replicas && of.available == bounds_.replicas;
}

void release_sizes::scale(bool is_rolling) {
    if (auto* only = find_only_or_latest()) return set(*only, bounds_.replicas);
    if (is_saturated()) {
        for (auto* each : old_ones())
            if (each->count > 0) set(*each, 0);
        return;
    }
    if (is_rolling) share_out();
}

namespace {

/// Half away from zero.
std::int64_t rounded_quotient(std::int64_t of, std::int64_t by) { return (2 * of + by) / (2 * by); }

/// By how many `of` would change if it kept its share.
std::int64_t fraction_of(planned_release const& of, size_bounds const& bounds) {
    if (bounds.replicas == 0) return -of.count;
    auto const before = of.max > 0 ? of.max : bounds.total_max();
    return rounded_quotient(of.count * bounds.total_max(), before) - of.count;
}

}  // namespace

void release_sizes::share_out() {
    auto active = active_ones();
    if (active.empty()) return;
    auto const allowed = bounds_.replicas > 0 ? bounds_.total_max() : 0;
    auto const change = allowed - total();
    // The largest first; of equal ones the newer if there is something to give, the older if something is taken.
    std::ranges::stable_sort(active, [&](auto const* a, auto const* b) {
        if (a->count != b->count) return a->count > b->count;
        return change > 0 ? a->number > b->number : a->number < b->number;
    });
    std::int64_t given = 0;
    for (auto* each : active) {
        auto const left = change - given;
        auto const fraction = left == 0 ? 0 : fraction_of(*each, bounds_);
        auto const share = change > 0 ? std::min(fraction, left) : std::max(fraction, left);
        set(*each, each->count + share);
        given += share;
    }
    if (change != 0) set(*active.front(), active.front()->count + change - given);
}

}  // namespace rik::detail
