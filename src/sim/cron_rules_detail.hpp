// What must hold of CronJobs and their Jobs after every commit of a primary.
#pragma once

#include <rik/model/rollout.hpp>
#include <rik/model/workload.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rik::sim {

/// No time of a CronJob is started twice, whatever has become of its first Job. When a run is made, no other that has
/// not ended is there with Forbid, and none that may stay with Replace. A CronJob that is gone has left no Job that
/// says it is its own.
class cron_rules {
public:
    void put(workload const& row);
    void put(rollout_record const& of);
    void remove(workload_id const& which);

    /// A commit is over: what it has broken.
    std::vector<std::string> broken();

private:
    struct cron_job {
        std::string name;
        concurrency_policy concurrency = concurrency_policy::allow;
        std::set<std::string> started = {};  ///< times, as the Jobs say them
    };
    struct job {
        std::string name;
        std::optional<workload_id> owner = {};
        std::string scheduled_at = {};  ///< empty: a user has started it
        bool is_leaving = false;
        bool has_ended = false;
    };
    void put_job(workload const& row);
    void check_new(job const& made, std::vector<std::string>& found);

    std::map<workload_id, cron_job> cron_jobs_;
    std::map<workload_id, job> jobs_;  ///< those that were made by a CronJob
    std::set<workload_id> made_;       ///< by the commit that is being read
    std::set<workload_id> gone_;       ///< CronJobs, likewise
};

}  // namespace rik::sim
