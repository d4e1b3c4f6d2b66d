// Which finished instances are kept, and which go when there are too many: pure bookkeeping, no store.
#pragma once

#include <rik/model/instance.hpp>

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace rik::detail {

/// Finished instances stay for their logs and exit codes, but not without end: at most
/// limits::finished_instances_per_owner_max of one workload, and limits::finished_instances_count_max of all.
class finished_ledger {
public:
    void add(instance const& finished);
    void remove(instance const& finished);

    /// Those that finished first, of whom there are too many; `count_max` at most.
    std::vector<instance_id> find_excess(std::size_t count_max) const;

private:
    using by_time = std::set<std::pair<wall_time, instance_id>>;

    by_time all_;
    std::map<workload_id, by_time> of_owners_;
    std::set<workload_id> crowded_;  ///< the owners of too many
};

}  // namespace rik::detail
