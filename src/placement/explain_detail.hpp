// Why instances of one demand fit nowhere, in one sentence.
#pragma once

#include "node_index_detail.hpp"

#include <rik/placement/placement.hpp>

#include <span>

namespace rik::detail {

/// All that lacks on each node, counted by cause: the cause of most nodes first. `instances` is left empty.
placement_failure explain(std::span<candidate const* const> nodes, release const& asked, placement_policy const& policy,
                          instance_names const& names);

/// The same by the default policy, without a look at each node. Precondition: is_countable(asked).
placement_failure explain(node_index const& nodes, query const& asked, instance_form form, instance_names const& names);
/// Returns false if several resources that are asked for have one cause in common.
bool is_countable(query const& asked);

}  // namespace rik::detail
