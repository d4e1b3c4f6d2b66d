#include "finished_ledger_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>

namespace rik::detail {

finished_ledger::by_time& finished_ledger::part_of(of_owner& all, instance const& which) {
    return which.state() == instance_state::failed ? all.failed : all.succeeded;
}

void finished_ledger::add(instance const& finished) {
    std::pair const entry(finished.status().since, finished.id());
    all_.insert(entry);
    if (!finished.owner()) return;
    auto& theirs = of_owners_[*finished.owner()];
    part_of(theirs, finished).insert(entry);
    if (theirs.size() > limits::finished_instances_per_owner_max) crowded_.insert(*finished.owner());
}

void finished_ledger::remove(instance const& finished) {
    std::pair const entry(finished.status().since, finished.id());
    all_.erase(entry);
    auto const found = finished.owner() ? of_owners_.find(*finished.owner()) : of_owners_.end();
    if (found == of_owners_.end()) return;
    part_of(found->second, finished).erase(entry);
    if (found->second.size() <= limits::finished_instances_per_owner_max) crowded_.erase(found->first);
    if (found->second.size() == 0) of_owners_.erase(found);
}

void finished_ledger::add_excess(of_owner const& of, std::size_t count_max, std::vector<instance_id>& to) {
    constexpr auto kept = limits::finished_instances_per_owner_max;
    auto succeeded = of.succeeded.begin();
    auto failed = of.failed.begin();
    auto failed_count = of.failed.size();
    for (auto excess = of.size() - std::min(of.size(), kept); excess > 0 && to.size() < count_max; --excess) {
        auto const takes_failed = failed_count > kept / 2 || succeeded == of.succeeded.end();
        if (takes_failed) --failed_count;
        to.push_back((takes_failed ? failed++ : succeeded++)->second);
    }
}

std::vector<instance_id> finished_ledger::find_excess(std::size_t count_max) const {
    std::vector<instance_id> found;
    for (auto const& owner : crowded_) add_excess(of_owners_.at(owner), count_max, found);
    // Whoever goes for his owner's sake counts, too: so these are looked for when there are none of the others.
    if (!found.empty()) return found;
    auto const excess = all_.size() - std::min(all_.size(), limits::finished_instances_count_max);
    auto oldest = all_.begin();
    for (auto left = std::min(excess, count_max); left > 0; --left, ++oldest) found.push_back(oldest->second);
    return found;
}

}  // namespace rik::detail
