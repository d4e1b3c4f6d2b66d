// Restarts in place of all instances of a workload.
#include "common_detail.hpp"

#include <algorithm>

namespace rik {

namespace {

using namespace detail;

/// Those whose turn is still to come, in their order. What is not there yet starts with all that is new anyway.
instance_list waiting_for(workload_view const& of, restart_course const& course) {
    instance_list found;
    for (auto const& each : of.instances) {
        if (!each.is_own || !is_active(each) || !each.node || each.is_unheard) continue;
        if (each.created_at > course.asked_at || (course.reached && each.id <= *course.reached)) continue;
        found.push_back(&each);
    }
    std::ranges::sort(found, {}, &seen_instance::id);
    return found;
}

/// Are those that were told back? One that is gone, or that nobody hears, holds up nobody.
bool are_back(workload_view const& of, restart_course const& course, workload_plan& plan) {
    if (!course.reached) return true;
    auto const is_at_once = of.wanted.restart->is_at_once;
    availability const is_available(of);
    auto const is_back = [&](seen_instance const& each) {
        auto const was_told =
            is_at_once ? each.id <= *course.reached && each.is_own && each.node && each.created_at <= course.asked_at
                       : each.id == *course.reached;
        if (!was_told || !is_active(each) || each.is_unheard) return true;
        look_again_at(plan, is_available.comes_at(each));
        return !each.is_restarting && is_available(each);
    };
    return std::ranges::all_of(of.instances, is_back);
}

}  // namespace

void plan_restart(workload_view const& of, workload_plan& plan) {
    auto const& wish = of.wanted.restart;
    if (!wish) return;
    auto const is_begun = of.restart != nullptr && of.restart->asked_at == wish->at;
    auto course = is_begun ? *of.restart : restart_course{.asked_at = wish->at};
    if (course.is_done) return;
    auto const waiting = waiting_for(of, course);
    auto const goes_on = wish->is_at_once && !waiting.empty();
    if (!goes_on && !are_back(of, course, plan)) return;
    auto const count = wish->is_at_once ? waiting.size() : std::min<std::size_t>(waiting.size(), 1);
    for (std::size_t i = 0; i < count; ++i) plan.restarts.push_back(waiting[i]->id);
    if (count > 0) course.reached = plan.restarts.back();
    course.is_done = waiting.empty();
    plan.restart = course;
}

}  // namespace rik
