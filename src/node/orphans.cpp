#include "orphans_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

void orphans::remove(runtime& of, found_sandbox const& found) {
    out_.warning("removing what belongs to no instance", {{"instance", found.instance.text()}});
    if (has_running(found)) room_.add_orphan(found.instance);
    all_[found.instance] = std::nullopt;
    tasks_.spawn(remove_one(of, found.instance));
}

bool orphans::condemn(instance_id const& id, revision fence) {
    auto const found = all_.find(id);
    if (found == all_.end()) return false;
    found->second = fence;
    return true;
}

awaitable<> orphans::wait_until_gone(instance_id id) {
    while (all_.contains(id)) co_await gone_.wait();
}

awaitable<> orphans::remove_one(runtime& of, instance_id instance) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const detached = co_await pods_.detach(instance);
        auto removed = co_await of.remove_sandbox(instance);
        if (removed) removed = detached;
        if (removed) break;
        auto problem = to_string(removed.error());
        if (problem != last_problem)
            out_.error("what belongs to no instance is not removed; trying again",
                       {{"instance", instance.text()}, {"error", problem}});
        last_problem = std::move(problem);
        co_await time_.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
    auto const fence = all_.at(instance);
    all_.erase(instance);
    room_.remove_orphan(instance);
    if (fence) tell_gone_(instance, *fence);
    gone_.notify();
}

}  // namespace rik::detail
