// What one node lacks, in one sentence.
#pragma once

#include <rik/placement/placement.hpp>

#include <string>

namespace rik {

/// All that `node` lacks for `asked` by `policy`, for people; empty: nothing. What may be different a moment later is
/// in parentheses: "not enough cpu (asked 3, free 2 of 4); host port is taken (80/TCP by instance web-1)"
std::string shortage_text(candidate const& node, release const& asked, placement_policy const& policy,
                          instance_names const& names);

}  // namespace rik
