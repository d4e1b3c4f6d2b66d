// How far a managed workload is: as its controller says, and as users see it.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/rare.hpp>
#include <rik/base/time.hpp>
#include <rik/model/conditions.hpp>
#include <rik/model/index_set.hpp>
#include <rik/model/state.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// How many instances of a release a Deployment wants, as its last plan has said; of other kinds there is none.
/// Source: Kubernetes, spec.replicas of a ReplicaSet, and its annotations desired-replicas and max-replicas.
struct release_size {
    std::int64_t count = 0;
    std::int64_t wanted = 0;  ///< the replicas of the workload when this was said
    std::int64_t max = 0;     ///< those and the surge
    friend bool operator==(release_size const&, release_size const&) = default;
};

enum class workload_condition_type : std::uint8_t {
    available,    ///< as many instances are available as there must be
    progressing,  ///< a rollout gets on, or is done
    // Of a Job.   Source: Kubernetes, JobConditionType
    suspended,
    success_criteria_met,  ///< it will be complete once nothing of it runs
    failure_target,        ///< it will have failed once nothing of it runs
    complete,
    failed,
};
std::string_view to_string(workload_condition_type type);  ///< "Available", "FailureTarget"
std::optional<workload_condition_type> parse_workload_condition_type(std::string_view text);

struct workload_condition {
    workload_condition_type type = workload_condition_type::available;
    condition_status status = condition_status::unknown;
    std::string reason = {};    ///< one word, as Kubernetes has it
    std::string message = {};   ///< for people
    wall_time since = {};       ///< when the status became so
    wall_time updated_at = {};  ///< when it was said last, by a change
    friend bool operator==(workload_condition const&, workload_condition const&) = default;
};

/// How far a Job is. Its counts are those of its record (rik/model/job_record.hpp) at that look.
struct job_progress {
    std::optional<wall_time> started_at =
        {};  ///< since then its deadline runs: it is resumed or made; nullopt: not yet
    std::optional<wall_time> finished_at = {};  ///< it has succeeded or failed
    std::uint64_t succeeded = 0;                ///< instances; of an indexed one indexes
    std::uint64_t failed = 0;                   ///< instances whose end counts
    std::uint64_t ignored = 0;                  ///< instances that have failed and do not count, as a rule says
    index_set completed_indexes = {};
    index_set failed_indexes = {};
    friend bool operator==(job_progress const&, job_progress const&) = default;
};

/// How far a CronJob is.   Source: Kubernetes, CronJobStatus
struct cron_progress {
    std::optional<wall_time> last_run = {};      ///< the time, by the schedule, of the last run that was started
    std::optional<wall_time> last_success = {};  ///< when a run of it succeeded last
    std::optional<wall_time> next_run = {};      ///< nullopt: there is none, or it is suspended
    std::vector<std::string> active = {};        ///< the names of its Jobs that have not finished
    friend bool operator==(cron_progress const&, cron_progress const&) = default;
};

/// The clock of a rollout is in it: a controller wants its last one.
struct workload_progress {
    release_id release = {};       ///< that it is about
    release_id stable = {};        ///< of a StatefulSet: the release that its last complete rollout has come to
    std::uint64_t generation = 0;  ///< of the workload that was looked at: what is wanted may be newer
    std::int64_t wanted = 0;       ///< instances; of a DaemonSet nodes
    std::int64_t have = 0;         ///< neither finished nor leaving
    std::int64_t updated = 0;      ///< of these, those of the current release
    std::int64_t ready = 0;        ///< of these, likewise the next
    std::int64_t available = 0;    ///< ready for long enough
    std::int64_t unavailable = 0;  ///< of those that there should be
    std::int64_t leaving = 0;
    std::int64_t misplaced = 0;  ///< of a DaemonSet: on nodes that should have none
    std::vector<workload_condition> conditions = {};
    bool is_complete = false;  ///< all that is wanted is there, current and available, and nothing else
    workload_state state = workload_state::active;
    std::string held_up = {};  ///< for people: why nothing is done although something ought to be; empty: it is
    rare<job_progress> job = {};
    rare<cron_progress> cron = {};
    friend bool operator==(workload_progress const&, workload_progress const&) = default;

    workload_condition const* find(workload_condition_type type) const;
    bool holds(workload_condition_type type) const;  ///< it is said, and true
};

struct workload;

/// What a workload is said to be after it was said to be `from`: a state that may follow it. `before`: what was said
/// then; null: nothing.
workload_state next_state(workload_state from, workload_progress const* before, workload_progress const& now,
                          workload const& wanted);

}  // namespace rik
