// When so many nodes are not heard that the fault may be ours, nothing is replaced until a person says so.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/document.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace rik {

inline constexpr std::string_view replacement_stop_kind = "replacement-stop";

/// There is at most one, a document of the cluster.
struct replacement_stop {
    wall_time since = {};
    std::size_t unheard_count = 0;  ///< nodes, when it began
    std::size_t nodes_count = 0;
    bool is_lifted = false;  ///< a person has said that they are lost: what was on them is replaced
    friend bool operator==(replacement_stop const&, replacement_stop const&) = default;
};

struct node_counts {
    std::size_t unheard = 0;
    std::size_t all = 0;
};

/// More than a third of all nodes, and more than two, are not heard.
bool is_mass_absence(node_counts of);

/// What follows from how many are unheard now. It begins with a mass absence and ends when all are heard again; one
/// that was lifted ends when the absence is none any more, so that the next one stops replacing again.
std::optional<replacement_stop> next_stop(std::optional<replacement_stop> before, node_counts seen, wall_time now);

document_key replacement_stop_key();
document to_document(replacement_stop const& from);
/// Errors: corrupt, the document is none.
result<replacement_stop> parse_replacement_stop(document const& from);

}  // namespace rik
