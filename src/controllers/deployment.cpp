#include "common_detail.hpp"
#include "deployment_sizes_detail.hpp"
#include "progress_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rik {

namespace {

using namespace detail;

/// What is active of each release, with those that have nothing.
using instances_by_release = std::map<release_id, instance_list>;

instances_by_release group(workload_view const& of, instance_list const& active) {
    instances_by_release groups;
    for (auto const& each : of.releases) groups[each.id];
    groups[of.wanted.current_release];
    for (auto const* each : active) groups[each->made_from].push_back(each);
    return groups;
}

/// Where no size was kept, what is there counts as wanted.
planned_release sized(workload_view const& of, release_id const& id, instance_list const& active) {
    availability const is_available(of);
    auto const* const seen = find_release(of, id);
    auto const size = seen == nullptr ? std::nullopt : seen->size;
    planned_release made{.id = id, .is_current = id == of.wanted.current_release};
    made.number = seen == nullptr ? (made.is_current ? of.wanted.releases_made : 0) : seen->number;
    made.count = size ? size->count : static_cast<std::int64_t>(active.size());
    made.wanted = size ? size->wanted : of.wanted.wanted_replicas();
    made.max = size ? size->max : 0;
    made.was_sized = size || !active.empty();
    made.available = std::ranges::count_if(active, [&](auto const* each) { return is_available(*each); });
    return made;
}

release_sizes sizes_of(workload_view const& of, instances_by_release const& groups, size_bounds const& bounds) {
    std::vector<planned_release> all;
    for (auto const& [id, active] : groups) all.push_back(sized(of, id, active));
    return release_sizes(std::move(all), bounds);
}

/// Nothing of another release runs, or may still run.
bool is_alone(workload_view const& of, release_id const& release) {
    return std::ranges::none_of(of.instances, [&](seen_instance const& each) {
        return each.is_own && each.made_from != release && !is_finished(each.state);
    });
}

void decide(workload_view const& of, release_sizes& sizes) {
    auto const& upkeep = of.wanted.definition->upkeep;
    auto const is_rolling = upkeep.policy == update_policy::rolling;
    if (upkeep.is_paused || sizes.must_scale()) sizes.scale(is_rolling);
    if (upkeep.is_paused) return;
    if (is_rolling)
        sizes.roll();
    else
        sizes.recreate(is_alone(of, of.wanted.current_release));
}

std::string resize_text(std::uint64_t number, std::int64_t from, std::int64_t to) {
    if (from == to) return {};
    return fmt::format("Scaled {} release {} from {} to {}.", from < to ? "up" : "down", number, from, to);
}

void note_sizes(workload_view const& of, release_sizes const& sizes, workload_plan& plan) {
    for (auto const& each : sizes.all()) {
        release_size const size{each.count, each.wanted, each.max};
        auto const* const seen = find_release(of, each.id);
        if (!each.was_sized || (seen != nullptr && seen->size == size)) continue;
        auto const before = seen != nullptr && seen->size ? seen->size->count : 0;
        plan.sizes.push_back({each.id, size, resize_text(each.number, before, each.count)});
    }
}

std::string removal_text(planned_release const& of, planned_release const& current) {
    auto const left = of.count == 0 ? std::string()
                                    : fmt::format(", of which {} {} for now", number_text(of.count, "instance"),
                                                  of.count == 1 ? "stays" : "stay");
    if (!of.is_current) return fmt::format("Release {} replaces release {}{}.", current.number, of.number, left);
    return fmt::format("{} of release {} {} wanted.", number_text(of.count, "instance"), of.number,
                       of.count == 1 ? "is" : "are");
}

/// Kubernetes shrinks all releases by their shares when replicas are lowered in a rollout, whatever is available.
std::int64_t spare_count(workload_view const& of, instance_list const& active, size_bounds const& bounds) {
    availability const is_available(of);
    auto const available = std::ranges::count_if(active, [&](auto const* each) { return is_available(*each); });
    auto const is_rolling = of.wanted.definition->upkeep.policy == update_policy::rolling;
    return is_rolling ? available - bounds.available_min() : available;
}

/// Takes what a release has too much. `spare_count`: how many available instances may go.
void plan_removals(workload_view const& of, planned_release const& release, planned_release const& current,
                   instance_list active, removal_order const& order, std::int64_t& spare_count, workload_plan& plan) {
    availability const is_available(of);
    auto const surplus = static_cast<std::int64_t>(active.size()) - release.count;
    if (surplus <= 0) return;
    order.sort(active);
    for (std::int64_t i = 0; i < surplus; ++i) {
        auto const& each = *active[static_cast<std::size_t>(i)];
        if (is_available(each) && --spare_count < 0) return;  // those that come are not available yet
        add_removal(of, plan, each, removal_text(release, current));
    }
}

/// What goes still counts against `room`: it may be told to go later than what comes is made.
void plan_creations(workload_view const& of, release_sizes const& sizes, instances_by_release const& groups,
                    std::int64_t room, free_indexes indexes, workload_plan& plan) {
    auto const recreates = of.wanted.definition->upkeep.policy == update_policy::recreate;
    auto const create = [&](planned_release const& each) {
        if (recreates && !is_alone(of, each.id)) return;
        auto const missing = each.count - static_cast<std::int64_t>(groups.at(each.id).size());
        if (missing <= 0 || !may_retry(of, each.id, each.count, plan)) return;
        for (auto i = std::min(missing, room); i > 0 && !plan.has_more; --i, --room)
            add_creation(of, plan, {.release = each.id, .index = indexes.take()});
    };
    create(sizes.current());
    for (auto each = sizes.all().rbegin(); each != sizes.all().rend(); ++each)
        if (!each->is_current) create(*each);
}

}  // namespace

void detail::settle_deployment(workload_view const& of, std::int64_t total, workload_plan& plan) {
    auto const& upkeep = of.wanted.definition->upkeep;
    auto& progress = plan.progress;
    progress.wanted = of.wanted.wanted_replicas();
    progress.unavailable = std::max<std::int64_t>(total - progress.available, 0);
    progress.is_complete = progress.updated == progress.wanted && progress.have == progress.wanted &&
                           progress.available == progress.wanted;
    add_conditions(of, bounds_of(upkeep, of.wanted.wanted_replicas()), plan);
    if (progress.is_complete || upkeep.is_paused) forget_releases(of, upkeep.history_max, plan);
}

workload_plan plan_deployment(workload_view const& of) {
    workload_plan plan;
    claimed_instances const claimed(of, plan);
    auto const bounds = bounds_of(of.wanted.definition->upkeep, of.wanted.wanted_replicas());
    auto const groups = group(of, claimed.active());
    auto sizes = sizes_of(of, groups, bounds);
    decide(of, sizes);
    note_sizes(of, sizes, plan);
    removal_order const order(of, claimed.active(), removal_order::first::unavailable);
    auto spare = spare_count(of, claimed.active(), bounds);
    for (auto const& each : sizes.all())
        plan_removals(of, each, sizes.current(), groups.at(each.id), order, spare, plan);
    auto const room = bounds.total_max() - static_cast<std::int64_t>(claimed.active().size());
    plan_creations(of, sizes, groups, room, free_indexes(claimed.active(), plan.adopted), plan);
    count_progress(of, claimed.active(), plan);
    settle_deployment(of, sizes.total(), plan);
    return plan;
}

}  // namespace rik
