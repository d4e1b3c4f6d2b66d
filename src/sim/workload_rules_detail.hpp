// What must hold of workloads, their releases and their instances after every commit of a primary.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/workload.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rik::sim {

/// A workload has one release of each template, a release has its workload, and a bare Pod in Kubernetes' form is there
/// exactly as long as its one instance. No instance of a managed workload is made beyond what it may have: its replicas
/// and its surge, or one on each node and those of its surge; of a Job its parallelism, and one for each index. What a
/// Job has counted is what has ended.
class workload_rules {
public:
    void put(workload const& row);
    void put(release_ptr const& row);
    void put(instance const& row);
    void put(job_record const& counts);
    void remove(workload_id const& which);
    void remove(release_id const& which);
    void remove(instance_id const& which);

    /// A commit is over: what it has broken.
    std::vector<std::string> broken();
    /// Releases that nothing is made from, nor will be: in the end there are none.
    std::vector<release_id> unused() const;

private:
    struct known_workload {
        std::string name;
        release_id current;
        bool is_one_with_its_instance = false;
        bool is_leaving = false;
        workload_kind kind = workload_kind::pod;
        std::int64_t most = 0;  ///< instances of a managed kind
        bool orphans_instances = false;
    };
    struct known_instance {
        std::optional<workload_id> owner;
        release_id from;
        bool is_leaving = false;
        bool is_active = true;  ///< neither leaving nor finished
        std::optional<node_id> meant_for = {};
        std::optional<std::uint32_t> index = {};
        bool is_of_job = false;
        bool is_done =
            false;  ///< not counted, and its main containers have exited with 0: nobody has said so of it yet
    };
    /// What ended of a Job, as its rows say, and what it has counted.
    struct job_ends {
        std::set<instance_id> succeeded;
        std::set<instance_id> failed;
        std::set<instance_id> cut;  ///< they went before they ended
        std::uint64_t succeeded_count = 0;
        std::uint64_t failed_count = 0;
    };
    void note_end(known_instance const& of, instance_id const& which, instance_state state);
    void touch(std::optional<workload_id> const& which, instance_id const& one, bool is_there);
    void check(workload_id const& which, std::vector<std::string>& found) const;
    void check_releases(workload_id const& which, std::vector<std::string>& found) const;
    void check_instance(workload_id const& which, std::vector<std::string>& found) const;
    void check_count(workload_id const& which, std::vector<std::string>& found) const;
    void check_ends(workload_id const& which, std::vector<std::string>& found) const;

    std::map<workload_id, known_workload> workloads_;
    std::map<release_id, release_ptr> releases_;
    std::map<workload_id, std::set<release_id>> releases_of_;
    std::map<instance_id, known_instance> instances_;
    std::map<workload_id, std::set<instance_id>> instances_of_;
    std::map<workload_id, job_ends> jobs_;
    std::set<workload_id> orphaning_;  ///< they went, and left instances, which keep their releases
    std::set<workload_id> grown_;      ///< by an instance, in the commit that is being read
    std::set<workload_id> touched_;    ///< by the commit that is being read
};

}  // namespace rik::sim
