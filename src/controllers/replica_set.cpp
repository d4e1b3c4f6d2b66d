#include "common_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace {

using namespace detail;

void plan_creations(workload_view const& of, instance_list const& active, std::int64_t count, workload_plan& plan) {
    auto const release = of.wanted.current_release;
    if (!may_retry(of, release, of.wanted.wanted_replicas(), plan)) return;
    free_indexes indexes(active, plan.adopted);
    for (std::int64_t i = 0; i < count && !plan.has_more; ++i)
        add_creation(of, plan, {.release = release, .index = indexes.take()});
}

void plan_count(workload_view const& of, instance_list const& active, workload_plan& plan) {
    std::int64_t const wanted = of.wanted.wanted_replicas();
    auto const have = static_cast<std::int64_t>(active.size());
    if (have < wanted) return plan_creations(of, active, wanted - have, plan);
    auto order = active;
    removal_order(of, active, removal_order::first::as_kubernetes).sort(order);
    auto const why = fmt::format("{} {} wanted, and there are {}.", number_text(wanted, "instance"),
                                 wanted == 1 ? "is" : "are", have);
    for (std::int64_t i = 0; i < have - wanted; ++i)
        if (auto const& each = *order[static_cast<std::size_t>(i)]; each.is_own) add_removal(of, plan, each, why);
}

}  // namespace

workload_plan plan_replica_set(workload_view const& of) {
    workload_plan plan;
    claimed_instances const claimed(of, plan);
    plan_count(of, claimed.active(), plan);
    count_progress(of, claimed.active(), plan);
    settle_replica_set(of, plan);
    return plan;
}

void detail::settle_replica_set(workload_view const& of, workload_plan& plan) {
    auto& progress = plan.progress;
    progress.wanted = of.wanted.wanted_replicas();
    progress.unavailable = std::max<std::int64_t>(progress.wanted - progress.available, 0);
    progress.is_complete = progress.have == progress.wanted && progress.available == progress.wanted;
    forget_releases(of, of.wanted.definition->upkeep.history_max, plan);
}

}  // namespace rik
