// When each node was heard last: pure bookkeeping, in the order of time.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/time.hpp>

#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

/// Noting that a node was heard costs the same for ten nodes and for thousands, and nobody looks at those that are not
/// overdue.
class hearing {
public:
    /// Precondition: `now` is not before what was noted last.
    void note(node_id const& node, time_point now);
    void forget(node_id const& node);
    std::optional<time_point> last(node_id const& node) const;
    bool is_noted(node_id const& node) const { return places_.contains(node); }
    /// Takes out those that were not heard after `since`, longest ago first.
    std::vector<node_id> take_silent(time_point since);
    /// Returns when the one that was heard longest ago was heard.
    std::optional<time_point> oldest() const;

private:
    using order = std::list<std::pair<node_id, time_point>>;
    order order_;  ///< heard longest ago first
    std::map<node_id, order::iterator> places_;
};

/// Decides whether a node whose digest is another than the primary's is asked for its inventory. News is always on its
/// way, so a difference counts when it stays. One that inventories do not end is asked about less and less often.
class inventory_need {
public:
    /// A beat of the node: returns true if it is to be asked. `is_same_as_before`: the node has said nothing new since
    /// its last beat.
    bool note_beat(bool is_equal, bool is_same_as_before);

private:
    unsigned unequal_beats_ = 0;  ///< since it was equal, or asked
    unsigned quiet_beats_ = 0;    ///< of these, one after the other without news
    unsigned wanted_ = 0;         ///< beats until it is asked again; 0: as for the first time
};

}  // namespace rik::detail
