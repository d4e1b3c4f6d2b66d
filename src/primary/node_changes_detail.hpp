// What operators may do with a node: decisions, without effects.
#pragma once

#include "event_writer_detail.hpp"

#include <rik/primary/operations.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// `row` as `what` wants it. Errors: invalid, a label; not_found, a taint that is to be taken off; exhausted, there are
/// more than limits::labels_per_node_max or limits::taints_per_node_max.
result<node> changed(node row, node_change const& what);

/// "cordoned; labels: disk=ssd, zone-; taints: gpu=yes:NoSchedule"; empty if nothing has changed.
std::string told_change(node const& before, node const& now);

struct drain_plan {
    std::vector<instance_id> to_condemn = {};
    std::vector<kept_instance> kept = {};
};
/// `bound` is all that is bound to the node; `in` has the workloads that they belong to.
drain_plan plan_drain(view const& in, std::vector<stored<instance>> const& bound, drain_options how);

/// Why a node cannot be removed while `bound` is bound to it; nullopt if it can: then what is bound are instances of
/// DaemonSets, which go with it. `in` has the workloads that they belong to. Errors: conflict.
std::optional<error> keeps_from_removal(view const& in, node const& which, std::vector<stored<instance>> const& bound);
/// Adds the removal of a node that nothing is bound to any more.
void forget_node(transaction& into, event_writer& events, stored<node> const& which);
/// `row` as it is while its last instances go; an operator who uncordons it ends that.
node leaving(node row);
/// Why a node cannot be declared dead. Errors: conflict, it is heard; invalid, it is not confirmed.
std::optional<error> keeps_from_death(node const& which, std::vector<stored<instance>> const& bound,
                                      std::string_view confirmation);

/// "web-1, web-2, and 3 more"
std::string names_text(std::vector<stored<instance>> const& of);
/// "1 instance", "3 instances"
std::string count_text(std::size_t instances_count);

}  // namespace rik::detail
