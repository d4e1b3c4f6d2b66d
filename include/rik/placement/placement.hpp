// Decides where instances go: a pure function of what nodes offer and what is asked for.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/id_table.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>
#include <rik/model/workload.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rik {

namespace detail {
class node_index;
}

/// What one instance asks of a node; instances of one release ask for the same.
struct place_request {
    instance_id instance;
    release_ptr made_from;
};

/// A host port that something on a node has.
struct reserved_port {
    container_port port;
    instance_id holder;
};

/// A node as placement sees it.
struct candidate {
    node_id id;
    std::string name;
    bool is_ready = true;  ///< in session, takes new instances
    resources capacity;
    resources reserved = {};  ///< by everything that is bound to it and not confirmed gone
    std::vector<reserved_port> host_ports_reserved = {};
    std::map<release_id, std::size_t> held_of = {};  ///< how many of its instances have room here; none: no entry
    std::vector<std::string> runtimes = {};
    string_map missing_runtimes = {};         ///< see node_facts
    std::vector<node_trouble> troubles = {};  ///< empty: it takes new instances
    string_map labels = {};
    std::vector<std::string> addresses = {};  ///< of the machine
    std::string version = {};                 ///< of rik
    node_standing standing = {};              ///< what operators want of it
    /// How much of its machine is in use, whoever uses it, in eighths: 0, also if that is not known, to 8.
    std::int64_t load_eighths = 0;

    /// Counts `asked` as taken by `holder`, with the port that was chosen for it (see instance_fields).
    void reserve(release const& asked, instance_id const& holder, std::uint16_t exposed_port = 0);
    void unreserve(release const& asked, instance_id const& holder);
};

/// Of its processors or its memory, whichever is more in use. Integers, and so few that placement does not follow every
/// breath of a machine.
std::int64_t load_eighths_of(node_metrics const& now);

/// What a node offers, with nothing taken yet.
candidate candidate_of(node_id const& id, node_facts const& facts);
/// The same, with what operators want of it.
candidate candidate_of(node const& row);

/// Why a candidate cannot take a request; nullopt if it can. A string literal, or text of the filter that lives as long
/// as the policy does: reasons are counted, not formatted.
using refusal = std::optional<std::string_view>;

/// One thing that a node lacks for a request, for people.
struct shortage {
    std::string_view cause;          ///< a literal, as that of a refusal
    std::string_view resource = {};  ///< of the amounts; empty: there are none
    std::int64_t asked = 0;
    std::int64_t left = 0;
    std::int64_t capacity = 0;
    reserved_port const* port = nullptr;  ///< of the node: the one that is asked for, too
    std::string told = {};                ///< what the node, or an operator, says of it
    std::string alike = {};               ///< what many nodes may say in the same words; they are told of together
};

/// A condition that a node must meet. It answers alike for the same node and release, and looks at nothing else that
/// changes. The primary and the scheduler each call their copy, maybe at the same time from two threads: what copies
/// share must not change, or be guarded.
struct filter {
    using check = std::function<refusal(candidate const& node, release const& asked)>;
    using list = std::function<void(candidate const& node, release const& asked, std::vector<shortage>& into)>;

    /// From a function, or an object with state.
    template <class Check>
    requires std::is_invocable_r_v<refusal, Check const&, candidate const&, release const&> filter(Check refuses_by,
                                                                                                   list lists_by = {})
        : refuses(std::move(refuses_by)), lists(std::move(lists_by)) {}

    check refuses;  ///< asked for every node: what it finds first is enough
    list lists;     ///< adds all that the node lacks by it, once nothing has fitted; without it the refusal counts
    bool is_last_word = false;  ///< nobody asks what else lacks a node that is refused by it
};

/// The more, the better. Integers, so that every compiler decides alike. What holds for a filter holds for a score.
using score = std::function<std::int64_t(candidate const& node, release const& asked)>;

struct placement_policy {
    std::vector<filter> filters;
    std::vector<score> scores;
};

namespace filters {
refusal is_not_ready(candidate const& node, release const& asked);
/// It may still have what it had when it was declared dead.
refusal was_declared_dead(candidate const& node, release const& asked);
/// Of a release that names the node, a cordon or a taint NoSchedule refuses nothing, as in Kubernetes.
refusal is_cordoned(candidate const& node, release const& asked);
/// The release names another node.
refusal is_another_node(candidate const& node, release const& asked);
/// It has not all labels of the release's nodeSelector.
refusal lacks_labels(candidate const& node, release const& asked);
/// A taint of the effect NoSchedule or NoExecute that the release does not tolerate.
refusal has_taint(candidate const& node, release const& asked);
/// A node that is heard, and says itself that it cannot run an instance now.
refusal has_trouble(candidate const& node, release const& asked);
refusal lacks_runtime(candidate const& node, release const& asked);
refusal lacks_resources(candidate const& node, release const& asked);
refusal lacks_host_port(candidate const& node, release const& asked);
void list_taints(candidate const& node, release const& asked, std::vector<shortage>& into);
/// The labels that it would have to have.
void list_labels(candidate const& node, release const& asked, std::vector<shortage>& into);
/// The trouble in its own words; all that lacks, each with its amounts; the host ports with their holders.
void list_troubles(candidate const& node, release const& asked, std::vector<shortage>& into);
void list_resources(candidate const& node, release const& asked, std::vector<shortage>& into);
void list_host_ports(candidate const& node, release const& asked, std::vector<shortage>& into);
/// The runtime, with what the node lacks for it.
void list_runtimes(candidate const& node, release const& asked, std::vector<shortage>& into);
}  // namespace filters

namespace scores {
/// Prefers the node with the largest free share of its scarcest resource once the request is on it: spreads.
std::int64_t most_free(candidate const& node, release const& asked);
/// Prefers a node without taints of the effect PreferNoSchedule, whatever is free on it; of others the one with fewer.
std::int64_t fewest_taints(candidate const& node, release const& asked);
/// Prefers the node that holds fewer instances of the same release, so that one that fails does not take all of them.
/// Each counts as a quarter of the node, four at most: with more, what is free decides.
std::int64_t fewest_alike(candidate const& node, release const& asked);
/// Prefers the node whose machine is less in use. A machine that is wholly in use counts as one that has a quarter less
/// to give: requests decide first, since they are promises, and loads are as old as their last word.
std::int64_t least_loaded(candidate const& node, release const& asked);
}  // namespace scores

/// All filters and scores above.
placement_policy default_policy();

/// A port of the node's, of which there is one.
using host_port = std::pair<std::uint16_t, port_protocol>;

/// What a policy sees of a release: releases of equal demand fit on the same nodes, and for the same reasons on none.
struct demand {
    std::vector<resources::entry> requests;
    std::vector<host_port> ports;
    instance_form form = instance_form::pod;
    std::int32_t priority = 0;  ///< of what waits the highest comes first
    release_id chooser = {};    ///< set if it says more of the node than what it must have free
    release_id only_of = {};    ///< set if the policy is not the default one: its own filters may look at everything
    friend auto operator<=>(demand const&, demand const&) = default;
};
demand demand_of(release const& asked, placement_policy const& policy);

/// What every node holds, kept up to date change by change: the scheduler's cache, and the primary's ledger.
class cluster_view {
public:
    cluster_view();
    cluster_view(cluster_view const& other);
    cluster_view(cluster_view&& other) noexcept;
    cluster_view& operator=(cluster_view other) noexcept;
    ~cluster_view();

    /// Adds a node or changes what it offers; what it holds stays.
    void set_node(candidate const& facts);
    void set_ready(node_id const& node, bool is_ready);
    void set_troubles(node_id const& node, std::vector<node_trouble> troubles);
    /// A node that is not known is left out.
    void set_load(node_id const& node, std::int64_t load_eighths);
    void set_standing(node_id const& node, node_standing standing, string_map labels);
    /// Forgets it, and what it holds.
    void remove_node(node_id const& node);
    /// Counts `asked` as taken on `node`; an instance that is held elsewhere moves. A node that is not known yet is
    /// remembered with what it holds. `exposed_port` is the one that was chosen for it (see instance_fields).
    void reserve(instance_id const& instance, node_id const& node, release_ptr asked, std::uint16_t exposed_port = 0);
    /// Returns true if it was held.
    bool unreserve(instance_id const& instance);

    bool has_reservation(instance_id const& instance) const { return reservations_.contains(instance); }
    candidate const* find(node_id const& node) const;
    std::map<node_id, candidate> const& nodes() const { return nodes_; }

private:
    friend class placement_run;
    struct reservation {
        node_id node;
        release_ptr asked;
        std::uint16_t exposed_port = 0;
    };
    void note_change(node_id const& node);
    detail::node_index& index() const;

    std::map<node_id, candidate> nodes_;
    id_table<instance_id, reservation> reservations_;
    mutable std::unique_ptr<detail::node_index> index_;  ///< follows from nodes_; made by the first placement
};

/// Why `node` cannot take `asked` by `policy`; nullopt if it can.
refusal refuse(candidate const& node, release const& asked, placement_policy const& policy);

struct placement_decision {
    instance_id instance;
    node_id node;
};

/// Instances of one demand that fit nowhere, and why.
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

/// Places one request after the other, each seeing the ones before it. Ties go to the lower node id, so the same input
/// gives the same placement. By the default policy no request looks at all nodes: of many that hold instances of its
/// release some that have most left are compared. By another policy the first of each release does. When the run ends
/// nothing is left of it: whoever goes by its decisions holds them in the view. Until then nobody changes the view or
/// begins another run on it.
class placement_run {
public:
    /// All three outlive it.
    placement_run(cluster_view const& nodes, placement_policy const& policy, instance_names const& names);
    ~placement_run();
    placement_run(placement_run const&) = delete;
    placement_run& operator=(placement_run const&) = delete;

    struct outcome {
        std::optional<node_id> node;
        /// If there is no node: the failure of its demand, as it was when it first fitted nowhere, since room only
        /// shrinks in a run. It is valid as long as the run.
        placement_failure const* failure = nullptr;
    };
    outcome place(place_request const& request);

    /// All failures in the order in which they were met, with their instances. The last call.
    std::vector<placement_failure> take_failures();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

struct placement {
    std::vector<placement_decision> placed;
    std::vector<placement_failure> unplaced;
};

/// Places `requests` in their order, in one run.
placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy,
                instance_names const& names = {});

}  // namespace rik
