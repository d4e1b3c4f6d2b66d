// How many instances each workload has, and of which sort: pure bookkeeping, no store.
#pragma once

#include <rik/controllers/controller.hpp>

#include <map>

namespace rik::detail {

/// So that a look at a workload at rest costs the same for ten instances and for a million.
class count_ledger {
public:
    void add(instance const& row) { count(row, 1); }
    void remove(instance const& row) { count(row, -1); }
    /// Null if it has none.
    instance_counts const* find(workload_id const& owner) const {
        auto const found = of_owners_.find(owner);
        return found == of_owners_.end() ? nullptr : &found->second;
    }

private:
    void count(instance const& row, std::int64_t by) {
        if (!row.owner()) return;
        auto const whose = of_owners_.try_emplace(*row.owner()).first;
        auto& counts = whose->second;
        counts.all += by;
        if (counts.all == 0) return void(of_owners_.erase(whose));
        // As controllers see it: see is_active there.
        auto const is_wanted_gone = row.deleting_since() || row.is_condemned();
        auto const is_leaving = is_wanted_gone || row.state() == instance_state::destroying;
        auto const is_active = !is_leaving && !is_finished(row.state());
        if (is_leaving) counts.leaving += by;
        if (is_active) counts.active += by;
        if (is_active && row.status().ready) counts.ready += by;
        if (row.restarts() > row.status().restarts) counts.restarting += by;
        if (row.fields().labels) counts.relabelled += by;
        auto const made_from = counts.of_release.try_emplace(row.made_from()->id).first;
        if ((made_from->second += by) == 0) counts.of_release.erase(made_from);
    }

    std::map<workload_id, instance_counts> of_owners_;
};

}  // namespace rik::detail
