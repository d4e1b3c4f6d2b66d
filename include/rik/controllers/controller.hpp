// Controllers: pure functions that compare what is wanted of a workload with what is seen, and return a plan. To add a
// kind: docs/recipes/add-a-kind.md.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/string_map.hpp>
#include <rik/base/time.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/node.hpp>
#include <rik/model/rollout.hpp>
#include <rik/model/state.hpp>
#include <rik/model/workload.hpp>
#include <rik/model/workload_progress.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// An instance as controllers see it. Texts and maps belong to the caller, and must outlive the call.
struct seen_instance {
    instance_id id = {};
    std::string_view name = {};
    release_id made_from = {};
    std::optional<std::uint32_t> index = {};
    instance_state state = instance_state::pending;
    std::string_view reason = {};  ///< of its state: one word
    bool has_identity = false;     ///< it was made for a kind of which that is true
    bool is_own = true;            ///< false: no controller has it; it is adopted if the selector means it
    bool is_leaving = false;       ///< its deletion is wanted, or it is condemned: it counts no longer
    bool has_ended = false;        ///< nothing of it runs any more
    bool is_ready = false;         ///< false also if nobody hears its node
    bool is_unheard = false;
    bool is_restarting = false;  ///< it was told to start again, and has not yet
    std::optional<wall_time> ready_since = {};
    wall_time created_at = {};
    wall_time state_since = {};
    std::optional<node_id> node = {};       ///< that it is bound to
    std::optional<node_id> meant_for = {};  ///< of a DaemonSet
    std::uint64_t restart_count = 0;        ///< of its containers
    std::int32_t deletion_cost = 0;         ///< annotation controller.kubernetes.io/pod-deletion-cost
    string_map const* labels = nullptr;     ///< nullptr: it has none
};

/// `row` as the controller of `viewer` sees it; `is_unheard`: nobody hears its node. It refers to `row`.
seen_instance see(instance const& row, workload_id const& viewer);
seen_instance see_unheard(instance const& row, workload_id const& viewer);

/// How many instances a workload has, for looks that need not see each.
struct instance_counts {
    std::int64_t all = 0;                                ///< its own, whatever has become of them
    std::int64_t active = 0;                             ///< neither finished nor leaving
    std::int64_t ready = 0;                              ///< of these
    std::int64_t leaving = 0;                            ///< finished ones only if their deletion is wanted
    std::int64_t restarting = 0;                         ///< of all: told to start again, and not yet back
    std::int64_t relabelled = 0;                         ///< of all: with labels of their own
    std::map<release_id, std::int64_t> of_release = {};  ///< of all; none of which there is none
};

struct seen_release {
    release_id id = {};
    std::uint64_t number = 1;
    std::optional<release_size> size = {};  ///< nullopt: no plan has said one yet
};

struct workload_view {
    workload const& wanted;                         ///< its current release is the one that instances shall come to
    std::span<seen_instance const> instances = {};  ///< its own, finished ones too; and those that it may adopt
    std::span<seen_release const> releases = {};    ///< all of it, the current one among them
    std::span<node const* const> nodes = {};        ///< for a DaemonSet: all of the cluster
    wall_time now = {};
    workload_progress const* before = nullptr;  ///< what the last call has said; nullptr: there was none
    restart_course const* restart = nullptr;    ///< of the last restart in place; nullptr: there was none
    job_record const* counts = nullptr;         ///< of a Job: what has ended; nullptr: nothing has
    bool loses_some = false;                    ///< some are given up with this look: `counts` has not got them yet
    std::size_t changes_max = 10'000;           ///< creations and removals that a plan lists at most, each
};

struct to_create {
    release_id release = {};
    std::optional<std::uint32_t> index = {};
    std::optional<node_id> node = {};  ///< the only one that may run it
    friend bool operator==(to_create const&, to_create const&) = default;
};
struct to_remove {
    instance_id instance = {};
    std::string why = {};     ///< one sentence for people
    bool is_excused = false;  ///< of a Job: its end does not count
    friend bool operator==(to_remove const&, to_remove const&) = default;
};
struct to_adopt {
    instance_id instance = {};
    std::optional<std::uint32_t> index = {};
    friend bool operator==(to_adopt const&, to_adopt const&) = default;
};
struct to_resize {
    release_id release = {};
    release_size size = {};
    std::string why = {};  ///< one sentence for people; empty: only what stands beside the count has changed
    friend bool operator==(to_resize const&, to_resize const&) = default;
};

/// What must be done. Sizes are kept first, or with the rest: then any part may be carried out, in any order, and the
/// rest is planned again.
struct workload_plan {
    std::vector<to_resize> sizes = {};
    std::vector<to_adopt> adopted = {};
    std::vector<instance_id> let_go = {};  ///< its selector means them no longer: they become nobody's
    std::vector<to_remove> removals = {};
    std::vector<to_create> creations = {};
    std::vector<release_id> forgotten = {};      ///< releases past the history's limit; none has an instance
    std::vector<instance_id> restarts = {};      ///< to start again in place, in this order
    std::optional<restart_course> restart = {};  ///< as it is once these were told; nullopt: as it was
    workload_progress progress = {};
    std::optional<wall_time> look_again = {};  ///< nothing need happen for the plan to be another then
    bool has_more = false;                     ///< more changes than may be listed
    bool is_over = false;                      ///< the workload is to be deleted: its time to live has passed

    bool changes_nothing() const;
};

/// The taint of a node that is removed as soon as the instances of DaemonSets there are gone. No DaemonSet has an
/// instance on such a node, whatever its template tolerates.
inline constexpr std::string_view leaving_taint_key = "rik.io/leaving";
bool is_being_removed(node const& which);

/// A number of instances, whatever they are made from: a new template counts for the next ones.
/// Source: Kubernetes, pkg/controller/replicaset.
workload_plan plan_replica_set(workload_view const& of);

/// A number of instances, which come to a new release step by step, or all at once: never more than replicas and surge,
/// never fewer available ones than replicas without unavailable by its own doing.
/// Source: Kubernetes, pkg/controller/deployment.
workload_plan plan_deployment(workload_view const& of);

/// One instance on each node that it may run on.   Source: Kubernetes, pkg/controller/daemon.
workload_plan plan_daemon_set(workload_view const& of);

/// Instances with ordinals, of which there is never more than one of each: another one is made only when nothing of the
/// last is left, as its node has said, or a person of the node. They come and go in order, unless that does not matter,
/// and come to a new release from the highest ordinal down. Unlike in Kubernetes, one of an older release that is not
/// available does not hold up the next release: it is replaced first.
/// Source: Kubernetes, pkg/controller/statefulset.
workload_plan plan_stateful_set(workload_view const& of);

/// Instances that run to their end, as many at a time as it says, until enough have succeeded or too many have failed.
/// What has ended is counted elsewhere (count_end): a plan follows from the counts and from what is active.
/// Source: Kubernetes, pkg/controller/job.
workload_plan plan_job(workload_view const& of);

/// The instances that are to start again in place now, as the workload's wish and its last course say: one after the
/// other in the order of their ids, each when the one before is available again, or all of them.
void plan_restart(workload_view const& of, workload_plan& plan);

/// By its kind; with its restart and its state. Precondition: is_managed(of.wanted.kind).
workload_plan plan_workload(workload_view const& of);

/// Returns true if all that is wanted is there and nothing else, all of the current release, though perhaps not ready
/// yet: so that whoever becomes ready, or ceases to be, changes no more than what is said of the workload. False also
/// of kinds for which counts do not tell.
bool is_at_rest(workload const& wanted, instance_counts const& counts);

/// What `plan_workload` says of a workload at rest, without a look at its instances, however many there are:
/// of.instances is not read. Preconditions: is_at_rest(of.wanted, counts); `of.before` is of a plan that had nothing to
/// do with any instance, what else it had to do is done, and what is wanted is the same since; no instance is on a node
/// that nobody hears, and none may be adopted.
workload_plan plan_at_rest(workload_view const& of, instance_counts const& counts);

/// Returns true if this change is the first that shows the end of an instance of `of`, a Job. As for count_end.
bool shows_end(workload const& of, instance const* before, instance_fields const* now);

/// Counts the end of an instance of `of`, a Job, if this change is the first that shows it, and marks it as counted.
/// Returns false if nothing is counted. `before` nullptr: it is new; `now` nullptr: it is gone. Whoever writes the
/// change writes `into` with it: so an end is counted once, whatever comes after. `at`: by the clock that controllers
/// go by, not by that of a node. Precondition: one of the two is there.
bool count_end(workload const& of, instance const* before, instance_fields* now, wall_time at, job_record& into);

/// What a node is for the instances of a DaemonSet.
struct daemon_place {
    std::string_view refusal = {};  ///< why none is started there; empty: one is
    bool may_stay = true;           ///< what runs there already goes on
    bool is_eligible() const { return refusal.empty(); }
};
/// By nodeName, nodeSelector, the runtimes that the node says that it lacks, and the taints that are tolerated by
/// itself or by every DaemonSet. Source: Kubernetes, NodeShouldRunDaemonPod.
daemon_place place_of_daemon(node const& on, instance_template const& of);

/// What every instance of a DaemonSet tolerates beside what its template says.
/// Source: Kubernetes, AddOrUpdateDaemonPodTolerations.
std::vector<toleration> daemon_tolerations(instance_template const& of);

}  // namespace rik
