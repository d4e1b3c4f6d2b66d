// What the scheduler knows of the store: pure bookkeeping, no links, no time.
#pragma once

#include <rik/link/messages.hpp>
#include <rik/placement/placement.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// The primary's items as of one revision, and the placement view that follows from them and from who is in session.
class scheduler_image {
public:
    /// Takes one complete set of facts. Gives the items that their nodes must hear of: newly bound or condemned.
    std::vector<item> apply(facts const& news);

    bool is_complete() const { return is_complete_; }
    revision at() const { return at_; }
    cluster_id cluster() const { return cluster_; }
    std::string const& cluster_cidr() const { return cluster_cidr_; }
    registered_node const* find_node(node_id const& node) const;
    std::map<node_id, registered_node> const& nodes() const { return nodes_; }

    void set_node(node_id const& node, node_facts const& facts);
    void set_ready(node_id const& node, bool is_ready);
    void set_troubles(node_id const& node, std::vector<node_trouble> troubles);

    /// Some instance must be decided about: it is new, or it fitted nowhere and the nodes have changed since.
    bool has_undecided() const { return nodes_changed_ || !undecided_.empty(); }
    /// Decides about those that have waited longest, `count_max` at most. What is placed is held until a later image
    /// says otherwise. Of the failures only those are given whose causes are new: their counts may be old.
    placement place(placement_policy const& policy, std::size_t count_max);
    /// From here on `place` gives no failures, which would be guesses: nodes are known that have not come yet.
    void hold_failures() { holds_failures_ = true; }
    void tell_failures();
    /// Forgets what was decided: the primary that was told is gone.
    void forget_decisions();
    /// Instances whose proposal was refused wait until this is called, so that a refusal is not repeated at once.
    void retry_refused();

    /// What `node`, which holds `inventory`, must be told.   Source: docs/protocol.md, section 5, "On an inventory"
    std::vector<order> due(node_id const& node, std::vector<held_instance> const& inventory) const;

    static order order_for(item const& what);

private:
    enum class decision : std::uint8_t { due, proposed, refused, fits_nowhere };
    struct pending {
        std::uint64_t arrival = 0;
        decision made = decision::due;
        std::optional<std::vector<std::string_view>> told = {};  ///< causes of its last failure
        std::vector<instance_id> told_holders = {};              ///< whom it named
    };
    /// Whether its node must hear of it.
    bool take(item const& news);
    void take_node(registered_node const& news);
    void take_refusal(instance_id const& instance);
    void forget(instance_id const& instance);
    void forget_unnamed(std::vector<item> const& named);
    void unlink(item const& old);
    void await_decision(instance_id const& instance, pending& state);
    void release(instance_id const& instance);
    /// Is it a failure of which the primary has heard, but for counts and amounts?
    static bool was_told(pending& state, placement_failure const& failure);
    std::string name_of(instance_id const& instance) const;

    std::map<instance_id, item> items_;
    std::map<node_id, std::set<instance_id>> by_node_;
    std::map<instance_id, pending> pending_;
    std::map<std::uint64_t, instance_id> undecided_;  ///< by arrival
    bool nodes_changed_ = false;                      ///< since what fits nowhere was decided
    std::map<node_id, registered_node> nodes_;
    cluster_view view_;
    cluster_id cluster_;
    std::string cluster_cidr_;
    revision at_ = 0;
    std::uint64_t arrivals_ = 0;
    bool is_complete_ = false;
    bool holds_failures_ = false;
};

}  // namespace rik::detail
