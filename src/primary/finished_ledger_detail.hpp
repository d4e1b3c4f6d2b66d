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
/// limits::finished_instances_per_owner_max of one workload, and limits::finished_instances_count_max of all. Of one
/// workload those that have failed go last, since they are what one wants to know of, unless they are over half.
class finished_ledger {
public:
    void add(instance const& finished);
    void remove(instance const& finished);

    /// Those that finished first of whom there are too many; `count_max` at most.
    std::vector<instance_id> find_excess(std::size_t count_max) const;

private:
    using by_time = std::set<std::pair<wall_time, instance_id>>;
    struct of_owner {
        by_time succeeded;
        by_time failed;
        std::size_t size() const { return succeeded.size() + failed.size(); }
    };

    static by_time& part_of(of_owner& all, instance const& which);
    static void add_excess(of_owner const& of, std::size_t count_max, std::vector<instance_id>& to);

    by_time all_;
    std::map<workload_id, of_owner> of_owners_;
    std::set<workload_id> crowded_;  ///< the owners of too many
};

}  // namespace rik::detail
