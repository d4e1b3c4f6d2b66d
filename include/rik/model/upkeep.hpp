// How a managed workload is kept: what stands in its definition beside the template of its instances.
#pragma once

#include <rik/base/time.hpp>
#include <rik/model/labels.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

enum class workload_kind : std::uint8_t { pod, function, replica_set, deployment, daemon_set };

/// Returns true if RIK itself makes and replaces the instances of such a workload.
constexpr bool is_managed(workload_kind kind) { return kind >= workload_kind::replica_set; }

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
