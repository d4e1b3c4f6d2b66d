// Decides where instances go: a pure function of what nodes offer and what is asked for.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>

#include <cstdint>
#include <functional>
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

/// A host port that something on a node has.
struct held_port {
    container_port port;
    instance_id holder;
};

/// A node as placement sees it.
struct candidate {
    node_id id;
    std::string name;
    bool is_ready = true;  ///< in session, takes new instances
    resources capacity;
    resources taken = {};  ///< by everything that is bound to it and not confirmed gone
    std::vector<held_port> host_ports_taken = {};
    std::vector<std::string> runtimes = {};
    std::vector<node_trouble> troubles = {};  ///< empty: it takes new instances

    /// Counts `asked` as taken by `holder`.
    void take(release const& asked, instance_id const& holder);
    void give_back(release const& asked, instance_id const& holder);
};

/// What a node offers, with nothing taken yet.
candidate candidate_of(node_id const& id, node_facts const& facts);

/// Why a candidate cannot take a request; nullopt if it can. A string literal: reasons are counted, not formatted.
using refusal = std::optional<std::string_view>;

/// One thing that a node lacks for a request, for people.
struct shortage {
    std::string_view cause;          ///< a literal, as that of a refusal
    std::string_view resource = {};  ///< of the amounts; empty: there are none
    std::int64_t asked = 0;
    std::int64_t left = 0;
    std::int64_t capacity = 0;
    held_port const* port = nullptr;  ///< of the node: the one that is asked for, too
    std::string_view told = {};       ///< what the node says of it
};

/// A condition that a node must meet.
struct filter {
    using check = refusal (*)(candidate const& node, release const& asked);
    using list = void (*)(candidate const& node, release const& asked, std::vector<shortage>& into);

    filter(check refuses_by, list lists_by = nullptr) : refuses(refuses_by), lists(lists_by) {}

    check refuses;  ///< asked for every node: what it finds first is enough
    list lists =
        nullptr;  ///< adds all that the node lacks by it, once nothing has fitted; without it the refusal counts
    bool is_last_word = false;  ///< nobody asks what else lacks a node that is refused by it
};

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
/// The trouble in its own words; all that lacks, each with its amounts; the host ports with their holders.
void list_troubles(candidate const& node, release const& asked, std::vector<shortage>& into);
void list_resources(candidate const& node, release const& asked, std::vector<shortage>& into);
void list_host_ports(candidate const& node, release const& asked, std::vector<shortage>& into);
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
    std::vector<std::string_view> causes = {};  ///< what the filters said, each once, in alphabetical order
    std::vector<instance_id> holders = {};      ///< whom the reason names as holders of host ports
    /// For people: what lacks on how many nodes. What may be different a moment later is in parentheses:
    /// "not enough memory (2 nodes: a, b; asked 900Gi, most free 12Gi of 16Gi on b); node is not ready (1 node: c)"
    std::string reason = {};
};

/// How a reason calls an instance: "web-1 of workload web". An empty one, or an empty name: "another instance".
using instance_names = std::function<std::string(instance_id const&)>;

struct placement {
    std::vector<placement_decision> placed;
    std::vector<placement_failure> unplaced;
};

/// Places `requests` in their order, each seeing the ones before it. Ties go to the lower node id, so the same input
/// gives the same placement. Neighbours of one release are cheap: the nodes are compared once for all of them, and
/// their reason is written once.
placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy,
                instance_names const& names = {});

}  // namespace rik
