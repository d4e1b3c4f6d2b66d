// What the scheduler knows of the store: pure bookkeeping, no links, no time.
#pragma once

#include <rik/link/messages.hpp>
#include <rik/placement/placement.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace rik::detail {

/// The primary's items as of one revision, and the placement view that follows from them and from who is in session.
class scheduler_image {
public:
    /// Takes one complete set of facts; `is_first` of a session: it is all there is, the rest is forgotten.
    /// Gives the items that changed.
    std::vector<item> apply(facts const& news, bool is_first);

    bool is_complete() const { return is_complete_; }
    revision at() const { return at_; }
    cluster_id cluster() const { return cluster_; }
    std::string const& cluster_cidr() const { return cluster_cidr_; }
    registered_node const* find_node(node_id const& node) const;
    std::map<node_id, registered_node> const& nodes() const { return nodes_; }

    void set_node(node_id const& node, node_facts const& facts);
    void set_ready(node_id const& node, bool is_ready) { view_.set_ready(node, is_ready); }

    /// Decides for every pending instance without an open proposal; what is placed is held until the next image says
    /// otherwise. Of the failures only those whose reason is new are given.
    placement place(placement_policy const& policy);
    /// Forgets open proposals: the primary that they were sent to is gone.
    void forget_proposals();
    /// Instances whose proposal was refused wait until this is called, so that a refusal is not repeated at once.
    bool retry_refused();

    /// What `node`, which holds `inventory`, must be told.   Source: protocol.md, section 4, "on inventory(n)"
    std::vector<order> due(node_id const& node, std::vector<held_instance> const& inventory) const;

    static order order_for(item const& what);

private:
    struct pending {
        std::uint64_t arrival = 0;
        bool is_proposed = false;
        bool is_refused = false;
        std::string reason = {};
    };
    void take(item const& news);
    void forget(instance_id const& instance);
    void unlink(item const& old);

    std::map<instance_id, item> items_;
    std::map<node_id, std::set<instance_id>> by_node_;
    std::map<instance_id, pending> pending_;
    std::map<node_id, registered_node> nodes_;
    cluster_view view_;
    cluster_id cluster_;
    std::string cluster_cidr_;
    revision at_ = 0;
    std::uint64_t arrivals_ = 0;
    bool is_complete_ = false;
};

}  // namespace rik::detail
