// What the scheduler knows of the store: pure bookkeeping, no links, no time.
#pragma once

#include <rik/base/id_table.hpp>
#include <rik/link/messages.hpp>
#include <rik/placement/placement.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

/// The primary's items as of one revision, and the placement view that follows from them and from who is in session.
class scheduler_cache {
public:
    explicit scheduler_cache(placement_policy policy = default_policy()) : policy_(std::move(policy)) {}

    /// Takes one complete set of facts. Gives the items that their nodes must hear of: newly bound or condemned, to be
    /// started again in place, or permitted to begin in another boot.
    std::vector<item> apply(facts const& news);

    bool is_complete() const { return is_complete_; }
    revision at() const { return at_; }
    cluster_id cluster() const { return cluster_; }
    std::string const& cluster_cidr() const { return cluster_cidr_; }
    std::size_t instance_count() const { return items_.size(); }
    std::size_t pending_count() const { return pending_.size(); }
    /// Null if it is not known (any more).
    item const* find(instance_id const& instance) const { return items_.find(instance); }
    registered_node const* find_node(node_id const& node) const;
    std::map<node_id, registered_node> const& nodes() const { return nodes_; }
    /// Of all that the primary believes that `node` holds.
    held_digest digest_of(node_id const& node) const;

    void set_node(node_id const& node, node_facts const& facts);
    void set_ready(node_id const& node, bool is_ready);
    void set_troubles(node_id const& node, std::vector<node_trouble> troubles);
    void set_load(node_id const& node, node_metrics const& now);

    /// Returns true if some instance must be decided about: it is new, or it fitted nowhere and the nodes have changed
    /// since.
    bool has_undecided() const { return nodes_changed_ || !due_.empty(); }
    /// Decides about those that have waited longest, `count_max` at most. What is placed is held until a later cache
    /// says otherwise. Of instances that ask for the same one is tried: if it fits nowhere, none does. A failure is
    /// given for those that have not heard of it, `count_max` instances at most, and for all when its causes are new:
    /// counts may be old.
    placement place(std::size_t count_max);
    /// From here on `place` gives no failures, which would be guesses: nodes are known that have not come yet.
    void mute_failures() { mutes_failures_ = true; }
    void tell_failures();
    /// Forgets what was decided: the primary that was told is gone.
    void forget_decisions();
    /// Instances whose proposal was refused wait until this is called, so that a refusal is not repeated at once.
    void retry_refused();

    /// What `node`, which holds `inventory`, must be told.   Source: docs/protocol.md, section 5, "On an inventory"
    std::vector<order> due(node_id const& node, std::map<instance_id, revision> const& inventory) const;
    /// The same for a node that holds what the primary believes: what it must let go, start again in place, or may
    /// begin. The orders to run name no release.
    std::vector<order> due(node_id const& node) const;

    static order order_for(item const& what);

private:
    using arrival = std::uint64_t;
    /// The order in which queues are served: the higher priority, then whoever has waited longest.
    struct turn {
        std::int64_t lowness = 0;  ///< the priority, negated
        arrival oldest = 0;
        friend auto operator<=>(turn const&, turn const&) = default;
    };
    enum class decision : std::uint8_t { waiting, proposed, refused };
    /// Instances that ask for the same and wait, in the order of their arrival.
    struct queue {
        std::map<arrival, instance_id> untold = {};  ///< the primary has not heard of their last failure
        std::map<arrival, instance_id> told = {};
        std::vector<std::string_view> last_causes = {};
        std::vector<instance_id> last_holders = {};  ///< whom it named
        std::optional<turn> due = {};                ///< its key in due_

        bool empty() const { return untold.empty() && told.empty(); }
        /// Precondition: !empty()
        std::map<arrival, instance_id>& of_oldest();
        void forget_told();
    };
    using queues = std::map<demand, queue>;
    struct pending {
        arrival at = 0;
        decision made = decision::waiting;
        queues::iterator waits_in = {};
    };
    /// Returns true if its node must hear of it.
    bool set_item(item const& news);
    /// Adds to `due` what the node must be told to destroy since it was declared dead.
    void set_registered(registered_node const& news, std::vector<item>& due);
    void remove_node(node_id const& node);
    void set_refused(instance_id const& instance);
    void forget(instance_id const& instance);
    void forget_unnamed(facts const& named);
    void add_to_node(item const& news);
    void remove_from_node(item const& old);
    void unreserve(instance_id const& instance);

    /// The instance joins the queue of its demand, which is due then.
    void enqueue(instance_id const& instance, pending& state);
    void dequeue(pending const& state);
    void end_waiting(instance_id const& instance);
    void set_due(queues::iterator which, bool is_due);
    placement decide(std::size_t count_max);
    void propose(instance_id const& instance);
    /// Notes why nothing of a queue fits. Gives those that must be told, `count_max` at most.
    static placement_failure fail(queue& all, placement_failure const& why, std::size_t count_max);
    std::string name_of(instance_id const& instance) const;

    id_table<instance_id, item> items_;
    struct bound_instances {
        std::set<instance_id> all = {};
        held_digest digest = {};
    };
    std::map<node_id, bound_instances> by_node_;
    std::map<instance_id, pending> pending_;
    std::set<instance_id> refused_;
    queues queues_;
    std::map<turn, queues::iterator> due_;  ///< queues to be tried
    bool nodes_changed_ = false;            ///< since what fits nowhere was decided
    std::map<node_id, registered_node> nodes_;
    cluster_view view_;
    placement_policy policy_;
    cluster_id cluster_;
    std::string cluster_cidr_;
    revision at_ = 0;
    arrival arrivals_ = 0;
    bool is_complete_ = false;
    bool mutes_failures_ = false;
};

}  // namespace rik::detail
