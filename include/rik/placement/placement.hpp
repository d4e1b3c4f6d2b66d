// Decides where instances go: a pure function of what nodes offer and what is asked for.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// What one instance asks of a node; instances of one release ask for the same.
struct place_request {
    instance_id instance;
    release_ptr pod_release;
};

/// A node as placement sees it.
struct candidate {
    node_id id;
    std::string name;
    bool is_ready = true;  ///< in session, takes new instances
    resources capacity;
    resources taken = {};  ///< by everything that is bound to it and not confirmed gone
    std::vector<container_port> host_ports_taken = {};
    std::vector<std::string> runtimes = {};
    std::vector<node_trouble> troubles = {};  ///< empty: it takes new instances

    /// Counts `asked` as taken.
    void take(release const& asked);
    void give_back(release const& asked);
};

/// What a node offers, with nothing taken yet.
candidate candidate_of(node_id const& id, node_facts const& facts);

/// Why a candidate cannot take a request; nullopt if it can. A string literal: reasons are counted, not formatted.
using refusal = std::optional<std::string_view>;
using filter = refusal (*)(candidate const& node, release const& asked);
/// The more, the better. Integers, so that every compiler decides alike.
using score = std::int64_t (*)(candidate const& node, release const& asked);

struct placement_policy {
    std::vector<filter> filters;
    std::vector<score> scores;
};

namespace filters {
refusal is_not_ready(candidate const& node, release const& asked);
/// A node that is heard, and says itself that it cannot run an instance now.
refusal has_trouble(candidate const& node, release const& asked);
refusal lacks_runtime(candidate const& node, release const& asked);
refusal lacks_resources(candidate const& node, release const& asked);
refusal lacks_host_port(candidate const& node, release const& asked);
}  // namespace filters

namespace scores {
/// Prefers the node with the largest free share of its scarcest resource once the request is on it: spreads.
std::int64_t most_free(candidate const& node, release const& asked);
}  // namespace scores

/// All filters and scores above.
placement_policy default_policy();

/// What every node holds, kept up to date change by change: the scheduler's image, and the primary's ledger.
class cluster_view {
public:
    /// Adds a node or changes what it offers; what it holds stays.
    void set_node(candidate const& facts);
    void set_ready(node_id const& node, bool is_ready);
    void set_troubles(node_id const& node, std::vector<node_trouble> troubles);
    /// Counts `asked` as taken on `node`; an instance that is held elsewhere moves. A node that is not known yet is
    /// remembered with what it holds.
    void hold(instance_id const& instance, node_id const& node, release_ptr asked);
    /// Whether it was held.
    bool release(instance_id const& instance);

    bool holds(instance_id const& instance) const { return holdings_.contains(instance); }
    candidate const* find(node_id const& node) const;
    std::map<node_id, candidate> const& nodes() const { return nodes_; }

private:
    struct holding {
        node_id node;
        release_ptr asked;
    };
    std::map<node_id, candidate> nodes_;
    std::map<instance_id, holding> holdings_;
};

/// Why `node` cannot take `asked` by `policy`; nullopt if it can.
refusal refuse(candidate const& node, release const& asked, placement_policy const& policy);

struct placement_decision {
    instance_id instance;
    node_id node;
};

/// Instances of one release that fit nowhere, and why.
struct placement_failure {
    std::vector<instance_id> instances;
    std::vector<std::string_view> causes;  ///< what the filters said, each once, in alphabetical order
    std::string reason;                    ///< for people: "no node offers runtime microvm (3 nodes: a, b, c)"
};

struct placement {
    std::vector<placement_decision> placed;
    std::vector<placement_failure> unplaced;
};

/// Places `requests` in their order, each seeing the ones before it. Ties go to the lower node id, so the same input
/// gives the same placement. Neighbours of one release are cheap: the nodes are compared once for all of them.
placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy);

}  // namespace rik
