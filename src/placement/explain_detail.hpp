// Why instances of one release fit nowhere, in one sentence.
#pragma once

#include <rik/placement/placement.hpp>

#include <map>

namespace rik::detail {

/// All that lacks on each node, counted by cause: the cause of most nodes first. `instances` is left empty.
placement_failure explain(std::map<node_id, candidate> const& nodes, release const& asked,
                          placement_policy const& policy, instance_names const& names);

}  // namespace rik::detail
