// How a managed workload is kept: what stands in its definition beside the template of its instances.
#pragma once

#include <rik/base/rare.hpp>
#include <rik/base/time.hpp>
#include <rik/model/index_set.hpp>
#include <rik/model/labels.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

enum class workload_kind : std::uint8_t {
    pod,
    function,
    replica_set,
    deployment,
    daemon_set,
    stateful_set,
    job,
    cron_job,
};

/// Returns true if RIK itself makes and replaces the instances of such a workload, or the workloads that have them.
constexpr bool is_managed(workload_kind kind) { return kind >= workload_kind::replica_set; }

/// Returns true if its instances are to run to their end.
constexpr bool has_end(workload_kind kind) { return kind == workload_kind::job || kind == workload_kind::cron_job; }

/// Returns true if each of its instances has an identity that no other may have at the same time, wherever it runs: it
/// starts on a node only with a permit for the boot of that node.   Source: docs/protocol.md, section 6
constexpr bool has_identities(workload_kind kind) { return kind == workload_kind::stateful_set; }

/// A number, or a percentage of a whole.
struct count_or_percent {
    std::int32_t value = 0;
    bool is_percent = false;
    friend bool operator==(count_or_percent const&, count_or_percent const&) = default;
};
std::string to_string(count_or_percent of);  ///< "3", "25%"
/// Reads "25%"; a number is not written as text. Returns nullopt if it is no percentage from 0% to 2147483647%.
std::optional<count_or_percent> parse_percent(std::string_view text);
std::int64_t rounded_up(count_or_percent of, std::int64_t whole);
std::int64_t rounded_down(count_or_percent of, std::int64_t whole);

/// How instances come from one release to another.
enum class update_policy : std::uint8_t {
    rolling,    ///< step by step, within surge and unavailable
    recreate,   ///< all that is old goes before anything new comes
    on_delete,  ///< what is new counts for the next instances; those that are there stay
};
std::string_view to_string(update_policy policy);  ///< "RollingUpdate", "Recreate", "OnDelete"

// StatefulSets.   Source: Kubernetes, apps/v1.

/// In which order instances with ordinals come and go when their number changes.
enum class pod_management : std::uint8_t {
    ordered_ready,  ///< one after the other, each when those below it are ready
    parallel,       ///< all at once
};
std::string_view to_string(pod_management management);  ///< "OrderedReady", "Parallel"

struct stateful_set_upkeep {
    std::uint32_t first_ordinal = 0;
    pod_management management = pod_management::ordered_ready;
    std::uint32_t partition = 0;  ///< of a rolling update: so many with the lowest ordinals stay
    std::string service_name = {};
    friend bool operator==(stateful_set_upkeep const&, stateful_set_upkeep const&) = default;
};

// Jobs.   Source: Kubernetes, batch/v1.

/// What the instances of a Job are for.
enum class completion_mode : std::uint8_t {
    non_indexed,  ///< one is as good as another
    indexed,      ///< each is for one index, from 0 on
};
std::string_view to_string(completion_mode mode);  ///< "NonIndexed", "Indexed"

/// When another instance takes the place of one that goes before it has ended.
enum class replacement_policy : std::uint8_t {
    terminating_or_failed,  ///< at once
    failed,                 ///< when nothing of it is left
};
std::string_view to_string(replacement_policy policy);  ///< "TerminatingOrFailed", "Failed"

/// What follows from an end that is no success.
enum class failure_action : std::uint8_t {
    count,       ///< it counts towards the limit
    ignore,      ///< it does not count
    fail_index,  ///< its index has failed
    fail_job,    ///< the Job has failed
};
std::string_view to_string(failure_action action);  ///< "Count", "Ignore", "FailIndex", "FailJob"

/// Of a container that has ended with another code than 0.
struct exit_code_rule {
    std::string container = {};  ///< empty: any
    bool is_in = true;           ///< false: the code is none of `codes`
    std::vector<std::int32_t> codes = {};
    friend bool operator==(exit_code_rule const&, exit_code_rule const&) = default;
};

/// A condition that an instance has.
struct condition_pattern {
    std::string type = {};  ///< "DisruptionTarget"
    std::string status = "True";
    friend bool operator==(condition_pattern const&, condition_pattern const&) = default;
};

/// Exactly one of the two says which ends it means; of conditions any.
struct failure_rule {
    failure_action action = failure_action::count;
    std::optional<exit_code_rule> exit_codes = {};
    std::vector<condition_pattern> conditions = {};
    friend bool operator==(failure_rule const&, failure_rule const&) = default;
};

/// A Job has succeeded when `count` of `indexes` have; nullopt: all of them, or any so many.
struct success_rule {
    std::optional<index_set> indexes = {};
    std::optional<std::uint32_t> count = {};
    friend bool operator==(success_rule const&, success_rule const&) = default;
};

struct job_upkeep {
    /// So many instances must succeed; nullopt: it is a work queue, done when one has succeeded and none is left.
    std::optional<std::uint32_t> completions = 1;
    std::uint32_t parallelism = 1;  ///< so many run at most
    completion_mode mode = completion_mode::non_indexed;
    std::uint32_t backoff_limit = 6;  ///< so many failures are borne
    std::optional<std::uint32_t> backoff_limit_per_index = {};
    std::optional<std::uint32_t> max_failed_indexes = {};  ///< nullopt: all may
    std::optional<duration> active_deadline = {};          ///< from its start; nullopt: none
    std::optional<duration> time_to_live = {};             ///< once it has finished; nullopt: for ever
    bool is_suspended = false;
    std::vector<failure_rule> failure_rules = {};  ///< the first that matches counts
    std::vector<success_rule> success_rules = {};  ///< any
    replacement_policy replacement = replacement_policy::terminating_or_failed;
    friend bool operator==(job_upkeep const&, job_upkeep const&) = default;

    bool is_indexed() const { return mode == completion_mode::indexed; }
};

// CronJobs.   Source: Kubernetes, batch/v1.

/// What happens when a Job is due while an earlier one still runs.
enum class concurrency_policy : std::uint8_t {
    allow,    ///< it is started beside it
    forbid,   ///< it waits, and is late then
    replace,  ///< the earlier one is deleted
};
std::string_view to_string(concurrency_policy policy);  ///< "Allow", "Forbid", "Replace"

struct cron_job_upkeep {
    std::string schedule = {};   ///< five fields, or a macro such as "@hourly"
    std::string time_zone = {};  ///< of the IANA data base; empty: UTC
    concurrency_policy concurrency = concurrency_policy::allow;
    std::optional<duration> starting_deadline = {};  ///< a run that is later than that is missed; nullopt: none is
    bool is_suspended = false;
    std::uint32_t successful_history_max = 3;  ///< finished Jobs that are kept
    std::uint32_t failed_history_max = 1;
    string_map job_labels = {};  ///< of the Jobs that it makes
    string_map job_annotations = {};
    friend bool operator==(cron_job_upkeep const&, cron_job_upkeep const&) = default;
};

struct workload_upkeep {
    /// Matches the labels of the template, and never changes. A ReplicaSet or a DaemonSet adopts what is nobody's and
    /// matches, and lets go of what does not; a Deployment has exactly those instances that it has made.
    /// Empty (in RIK's form only): nothing was said, and a workload has those that it has made.
    label_selector selector = {};
    update_policy policy = update_policy::on_delete;
    count_or_percent max_surge = {};        ///< of the instances that are wanted, or of the nodes
    count_or_percent max_unavailable = {};  ///< the same
    duration min_ready = {};                ///< what has been ready for so long is available
    duration progress_deadline = {};        ///< of a rollout that gets nowhere; then it says so, and goes on trying
    std::uint32_t history_max = 10;         ///< releases without instances that are kept, beside the current one
    bool is_paused = false;                 ///< of a Deployment: a new template moves nothing
    /// How long the node of an instance may be unheard before the instance is replaced; nullopt: as `tolerated_absence`
    /// says.
    std::optional<duration> unheard_tolerance = {};
    rare<stateful_set_upkeep> stateful = {};  ///< of a StatefulSet
    rare<job_upkeep> job = {};                ///< of a Job, and of the Jobs that a CronJob makes
    rare<cron_job_upkeep> cron = {};          ///< of a CronJob
    friend bool operator==(workload_upkeep const&, workload_upkeep const&) = default;
};

/// What holds where a definition of this kind says nothing.
workload_upkeep usual_upkeep(workload_kind kind);

/// How many instances a rollout may have beside those that are wanted, and how many of these may be unavailable.
struct rollout_room {
    std::int64_t surge = 0;
    std::int64_t unavailable = 0;
    friend bool operator==(rollout_room const&, rollout_room const&) = default;
};
/// Of a Deployment: surge is rounded up and unavailable down; if both are 0 then, one may be unavailable.
/// Source: Kubernetes, deployment/util, ResolveFenceposts.
rollout_room room_of_deployment(workload_upkeep const& of, std::int64_t replicas);
/// Of a DaemonSet, over the nodes that are to have an instance: both are rounded up.
rollout_room room_of_daemon_set(workload_upkeep const& of, std::int64_t nodes);

}  // namespace rik
