// What a controller looks at: one workload, with all that belongs to it, as the store has it.
#pragma once

#include "replacement_guard_detail.hpp"

#include <rik/controllers/controller.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/rollout.hpp>
#include <rik/store/view.hpp>

#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// An instance whose node has been unheard for longer than its workload tolerates.
struct lost_instance {
    stored<instance> row;
    std::string why;
};

/// An instance whose node is not heard. One with an identity is replaced only when its node, or a person, has said that
/// it is gone; any other when it is given up. A Job that has come to its end waits for that word, too.
struct absent_instance {
    stored<instance> row;
    stored<node> where;
};

/// It owns what its views refer to. Not copied, so that they stay right.
struct workload_scene {
    stored<workload> wanted = {};
    std::vector<stored<instance>> rows = {};
    std::vector<seen_instance> instances = {};
    std::vector<seen_release> releases = {};
    std::vector<stored<node>> node_rows = {};
    std::vector<node const*> nodes = {};
    stored<document> kept = {};  ///< of the record; empty: there is none yet
    rollout_record record = {};
    std::optional<error> damage = {};       ///< of the record, which begins anew then
    std::optional<job_record> counts = {};  ///< of a Job; nullopt: nothing has ended yet
    std::vector<lost_instance> lost = {};
    std::vector<absent_instance> waits_for = {};
    std::vector<absent_instance> blocking = {};    ///< old ones, till which are gone nothing new is made
    std::vector<absent_instance> staying = {};     ///< they tolerate that for ever
    std::size_t held_count = 0;                    ///< absent ones that are not given up, whatever the time
    replacement_hold hold = {};                    ///< why
    std::vector<stored<instance>> strangers = {};  ///< nobody's; some may be adopted
    absent_instance next_lost = {};  ///< the first of those that will be, if nobody hears its node till then
    std::optional<wall_time> next_lost_at = {};
    workload_scene() = default;
    workload_scene(workload_scene const&) = delete;
    workload_scene(workload_scene&&) noexcept = default;
};

/// What is kept of it alone, without instances, releases and nodes: enough to carry on with a plan.
workload_scene look_at_record(view const& in, stored<workload> const& wanted);

/// The same with its releases: enough for one that is at rest.
workload_scene look_at_releases(view const& in, stored<workload> const& wanted);

/// Precondition: `wanted` is managed.
workload_scene look_at(view const& in, stored<workload> const& wanted, absence_rule rule, wall_time now);

/// Returns true if such a workload takes instances that are nobody's and that its selector means.
bool adopts(workload const& row);

/// Returns true if an instance of such a workload, seen alone, could be another than its row says: its node is not
/// heard, or it is nobody's and may be adopted.
bool needs_instances_seen(view const& in, workload const& wanted);

/// What its controller plans. `before`: what it said last; null: what the scene's record has.
rik::workload_plan plan_of(workload_scene const& scene, workload_progress const* before, wall_time now);
/// The same of one that is at rest. Preconditions: those of plan_at_rest.
rik::workload_plan plan_of(workload_scene const& scene, instance_counts const& counts, workload_progress const& before,
                           wall_time now);

/// One word for an event that tells of `now.held_up`, which is not empty.
std::string_view hold_reason(workload_scene const& scene, workload_progress const& now);

/// " Instance web-1 is running (Started): ...; container main: waiting (ImagePullFailed), restarted 3 times: ...": the
/// first of the current release that is not ready, as `rikctl rollout status` tells it; empty: there is none.
std::string culprit_text(view const& in, workload const& wanted);

/// Returns true if nothing is to be done with any instance, now or later, unless something other than readiness
/// changes. What a plan notes beside that, it notes once.
bool comes_to_rest(workload_scene const& scene, rik::workload_plan const& plan);

}  // namespace rik::detail
