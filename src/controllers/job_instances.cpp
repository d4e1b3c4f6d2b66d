// How many instances of a Job there are to be now, and for which indexes.
#include "job_detail.hpp"

#include <rik/base/time_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::chrono::seconds retry_pause_first(10);
constexpr std::chrono::seconds retry_pause_max(600);

/// 10 s, 20 s, 40 s, ... 10 min; none before the first failure.   Source: Kubernetes, DefaultJobPodFailureBackOff
constexpr std::chrono::seconds retry_pause(std::uint32_t failures) {
    if (failures == 0) return std::chrono::seconds(0);
    return std::min(retry_pause_first * (1 << std::min(failures - 1, 6u)), retry_pause_max);
}
static_assert(retry_pause(1) == std::chrono::seconds(10) && retry_pause(6) == std::chrono::seconds(320) &&
              retry_pause(7) == retry_pause_max && retry_pause(1'000'000) == retry_pause_max);

wall_time next_try(wall_time now, std::uint32_t failures, std::optional<wall_time> last) {
    if (failures == 0 || !last) return now;
    return std::min(*last, now) + retry_pause(failures);  // our clock may have been set back since
}

std::int64_t wanted_count(job_sight const& of) {
    auto const have = static_cast<std::int64_t>(of.succeeded());
    auto const& wanted = of.wanted;
    if (!wanted.completions) return have > 0 ? static_cast<std::int64_t>(of.active.size()) : wanted.parallelism;
    return std::clamp<std::int64_t>(*wanted.completions - have, 0, wanted.parallelism);
}

// Too many

/// Those that are for an index that is wanted, each the oldest one; the others are removed.
instance_list remove_strays(job_sight const& of, workload_plan& plan) {
    auto order = of.active;
    if (!of.wanted.is_indexed()) return order;
    std::ranges::sort(order, {}, [](auto const* each) { return std::pair(each->created_at, each->id); });
    instance_list left;
    std::set<std::uint32_t> seen;
    auto const end = of.wanted.completions.value_or(0);
    for (auto const* each : order)
        if (each->index && *each->index < end && seen.insert(*each->index).second)
            left.push_back(each);
        else
            remove_of_job(of, plan, *each, "Its index is not wanted, or another instance has it.", true);
    return left;
}

void remove_surplus(job_sight const& of, instance_list left, std::int64_t wanted, workload_plan& plan) {
    auto const surplus = static_cast<std::int64_t>(left.size()) - wanted;
    if (surplus <= 0) return;
    removal_order(of.of, of.active, removal_order::first::as_kubernetes).sort(left);
    auto const why = fmt::format("{} {} wanted at a time, and there are {}.", number_text(wanted, "instance"),
                                 wanted == 1 ? "is" : "are", of.active.size());
    for (std::int64_t i = 0; i < surplus; ++i) remove_of_job(of, plan, *left[static_cast<std::size_t>(i)], why, true);
}

// Too few

void create(job_sight const& of, std::optional<std::uint32_t> index, workload_plan& plan) {
    add_creation(of.of, plan, {.release = of.of.wanted.current_release, .index = index});
}

/// The first that it does not have, from `index` on.
std::uint32_t past(index_set const& some, std::uint32_t index) {
    auto const found = std::ranges::lower_bound(some.ranges(), index, {}, &index_set::range::last);
    return found != some.ranges().end() && found->first <= index ? found->last + 1 : index;
}

std::set<std::uint32_t> taken_indexes(job_sight const& of) {
    std::set<std::uint32_t> taken;
    auto const take = [&](instance_list const& some) {
        for (auto const* each : some)
            if (each->index) taken.insert(*each->index);
    };
    take(of.active);
    if (of.wanted.replacement == replacement_policy::failed) take(of.leaving);
    return taken;
}

/// When it has failed, by our clock as far as we know: its node's may be wrong.
wall_time failed_at(job_sight const& of, seen_instance const& which) {
    auto const newest = std::max(which.created_at, of.counts.last_failure_at.value_or(which.created_at));
    return std::clamp(which.state_since, which.created_at, newest);
}

/// When indexes that have failed may be tried again: since their last instance has, if that is still there. A failure
/// that does not count is waited for like a first one.
std::map<std::uint32_t, wall_time> next_tries(job_sight const& of) {
    std::map<std::uint32_t, wall_time> last;
    if (!of.wanted.backoff_limit_per_index) return last;
    for (auto const& each : of.of.instances)
        if (each.is_own && each.index && each.state == instance_state::failed)
            last[*each.index] = std::max(last[*each.index], failed_at(of, each));
    std::map<std::uint32_t, wall_time> next;
    for (auto const& [index, at] : last)
        next.emplace(index, next_try(of.of.now, std::max(of.counts.failures_of(index), 1u), at));
    return next;
}

/// Looks again then, and says so of the first that is waited for.
void wait_for_try(workload_plan& plan, wall_time next, std::string_view why) {
    if (!plan.look_again || next < *plan.look_again)
        plan.progress.held_up = fmt::format("{}: the next instance is made at {}", why, to_second_string(next));
    look_again_at(plan, next);
}

/// The lowest that nobody is at.
void create_indexes(job_sight const& of, std::int64_t count, workload_plan& plan) {
    auto const taken = taken_indexes(of);
    auto const tries = next_tries(of);
    auto const end = of.wanted.completions.value_or(0);
    for (auto i = past(of.counts.completed, 0); i < end && count > 0 && !plan.has_more;
         i = past(of.counts.completed, i + 1)) {
        if (of.counts.failed_indexes.contains(i) || taken.contains(i)) continue;
        auto const waits = tries.find(i);
        if (waits != tries.end() && waits->second > of.of.now) {
            wait_for_try(plan, waits->second, fmt::format("index {} has failed", i));
            continue;
        }
        create(of, i, plan);
        --count;
    }
}

}  // namespace

/// What is removed and what is made: one of the two in a step.   Source: Kubernetes, manageJob.
void plan_job_instances(job_sight const& of, workload_plan& plan) {
    auto const wanted = wanted_count(of);
    plan.progress.wanted = wanted;
    remove_surplus(of, remove_strays(of, plan), wanted, plan);
    if (!plan.removals.empty()) return;
    auto const waits_for_gone = of.wanted.replacement == replacement_policy::failed;
    auto const missing =
        wanted - static_cast<std::int64_t>(of.active.size() + (waits_for_gone ? of.leaving.size() : 0));
    if (of.wanted.parallelism == 0) plan.progress.held_up = "parallelism is 0: nothing is started";
    // Whoever is lost counts as a failure once he is, and what is wanted then, and when, follows from that.
    if (missing <= 0 || of.of.loses_some) return;
    auto const next = next_try(of.of.now, of.counts.failures_in_row, of.counts.last_failure_at);
    if (!of.wanted.backoff_limit_per_index && next > of.of.now)
        return wait_for_try(plan, next, fmt::format("{} in a row have failed", of.counts.failures_in_row));
    if (of.wanted.is_indexed()) return create_indexes(of, missing, plan);
    for (std::int64_t i = 0; i < missing && !plan.has_more; ++i) create(of, std::nullopt, plan);
}

void remove_of_job(job_sight const& of, workload_plan& plan, seen_instance const& which, std::string why,
                   bool is_excused) {
    auto const before = plan.removals.size();
    add_removal(of.of, plan, which, std::move(why));
    if (plan.removals.size() > before) plan.removals.back().is_excused = is_excused;
}

}  // namespace rik::detail
