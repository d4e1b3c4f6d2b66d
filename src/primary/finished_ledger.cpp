#include "finished_ledger_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>

namespace rik::detail {

void finished_ledger::add(instance const& finished) {
    std::pair const entry(finished.status().since, finished.id());
    all_.insert(entry);
    if (!finished.owner()) return;
    auto& theirs = of_owners_[*finished.owner()];
    theirs.insert(entry);
    if (theirs.size() > limits::finished_instances_per_owner_max) crowded_.insert(*finished.owner());
}

void finished_ledger::remove(instance const& finished) {
    std::pair const entry(finished.status().since, finished.id());
    all_.erase(entry);
    auto const found = finished.owner() ? of_owners_.find(*finished.owner()) : of_owners_.end();
    if (found == of_owners_.end()) return;
    found->second.erase(entry);
    if (found->second.size() <= limits::finished_instances_per_owner_max) crowded_.erase(found->first);
    if (found->second.empty()) of_owners_.erase(found);
}

std::vector<instance_id> finished_ledger::find_excess(std::size_t count_max) const {
    std::vector<instance_id> found;
    auto const take_oldest = [&](by_time const& from, std::size_t kept) {
        auto const excess = from.size() - std::min(from.size(), kept);
        auto oldest = from.begin();
        for (auto left = std::min(excess, count_max - found.size()); left > 0; --left, ++oldest)
            found.push_back(oldest->second);
    };
    for (auto const& owner : crowded_) take_oldest(of_owners_.at(owner), limits::finished_instances_per_owner_max);
    // Whoever goes for his owner's sake counts, too: so these are looked for when there are none of the others.
    if (found.empty()) take_oldest(all_, limits::finished_instances_count_max);
    return found;
}

}  // namespace rik::detail
