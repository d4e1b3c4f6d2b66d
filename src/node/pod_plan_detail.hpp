// What a pod_actor is told by a definition, by the disk, and by what an earlier agent left: pure.
#pragma once

#include "pod_machine_detail.hpp"
#include "status_detail.hpp"

#include <rik/model/definition.hpp>
#include <rik/model/usage.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// No delay is longer than `delay_max`.
pod_rules pod_rules_of(instance_template const& pod, duration delay_max);

/// The memory of a Pod as a row on disk. It names the moment at which a unit starts, so it changes only when something
/// has happened.
std::string encode_memory(pod_rules const& rules, std::vector<unit_memory> const& memory, wall_time now);
/// In the order of `rules`. A unit of which nothing is known begins. nullopt: the text is damaged.
std::optional<std::vector<unit_memory>> parse_memory(pod_rules const& rules, std::string_view text, wall_time now);

/// The container of that name with the highest attempt; nullptr if there is none.
found_container const* newest_of(found_sandbox const& found, std::string_view container);

/// An agent may die before it has written that it began another attempt: then the machine knows better.
void take_attempt(unit_memory& memory, std::uint32_t found);

/// The same Pod, of which nothing is left: all of it starts again. What had run counts as restarted.
std::vector<unit_memory> made_anew(std::vector<unit_memory> memory, std::vector<container_status> const& containers);

/// What was found of an instance before its machine or its sandbox went.
struct remains {
    instance_state was = instance_state::pending;
    restart_policy restart = restart_policy::always;
    std::vector<container_status> containers;
    bool is_rebooted = false;
};
/// How such an instance has ended; nullopt: all of it starts again.
std::optional<instance_end> end_of(remains const& of);

/// What of `found` is seen of containers that are not known to be further.
void read_found(found_sandbox const& found, std::vector<container_status>& into, wall_time now);

/// What of it holds more on the disk than it may: a volume (sizeLimit), a container with its logs, or all of them
/// together (limits.ephemeral-storage); nullopt: nothing does. Source: Kubernetes, "Local ephemeral storage".
std::optional<instance_end> find_overfull(instance_template const& pod, instance_usage const& used);
/// Has it anything that has to be looked at for that? A volume in memory is limited by the kernel, a Function by the
/// size of its disk.
bool has_disk_limit(instance_template const& pod);

}  // namespace rik::detail
