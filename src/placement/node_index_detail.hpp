// The nodes of a view as numbers in a tree, which finds the best node for a demand without looking at all of them.
#pragma once

#include <rik/placement/placement.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

/// cpu, memory, ephemeral-storage and pods, and four more that nodes offer.
inline constexpr std::size_t dimensions_max = 8;
using amounts = std::array<std::int64_t, dimensions_max>;

/// A node's place in the order of the index: nodes of a size are neighbours, and among them the ids decide.
using slot = std::uint32_t;

/// A demand in the terms of the index.
struct query {
    amounts asked = {};
    std::vector<host_port> ports = {};
    unsigned runtime = 0;                            ///< a bit
    std::optional<resources::entry> unoffered = {};  ///< what no node has
    std::size_t uncommon_count = 0;  ///< of the resources that are asked for and have no cause of their own
    release_id release = {};         ///< whose instances are spread
};

/// How reasons see the nodes that lack the same.
struct lacking_nodes {
    std::size_t count = 0;
    std::vector<slot> first = {};  ///< examples_max at most
    std::optional<slot> closest = {};
    std::int64_t closest_left = 0;
};
inline constexpr std::size_t examples_max = 3;

/// The share of a resource that a node does not have: it limits nothing.
inline constexpr double share_unlimited = 1e300;

/// `left` in thousandths of `capacity`, which is more than 0: what scores::most_free compares.
std::int64_t share_of(std::int64_t left, std::int64_t capacity);
/// What so many instances of the same release on a node cost it: see scores::fewest_alike.
std::int64_t cost_of_alike(std::size_t count);
/// The cause by which filters::lacks_resources refuses.
std::string_view cause_of(std::string_view resource);
/// "no node offers runtime oci"
std::string_view lacks_runtime_cause(instance_form form);
/// The bit of the runtime that such an instance needs.
unsigned runtime_bit(instance_form form);
inline constexpr std::string_view port_is_taken = "host port is taken";
/// A release that says nothing of nodes: no name, no labels, no tolerations.
release const& undemanding();
/// Why the default policy puts nothing on a node, whatever is asked; nullopt: it takes instances.
std::optional<shortage> out_of_service(candidate const& node);

/// Follows a view, and counts what a run of placement takes until the run gives it back.
class node_index {
public:
    void note_change(node_id const& node) { changed_.insert(node); }
    /// Takes over what has changed. A node that is new, or has another size, costs a look at all.
    void follow(std::map<node_id, candidate> const& nodes);
    /// Returns true if it knows all that the default policy looks at: nodes offer few kinds of resources.
    bool is_whole() const { return is_whole_; }

    query query_of(demand const& from) const;
    /// The node with the highest score of those that can take it, by the default policy. Where many hold instances of
    /// the same release, the highest of leaves_max that have most left.
    std::optional<slot> best(query const& asked) const;
    void take(slot which, query const& asked, instance_id const& holder);
    /// What was taken last goes first.
    void give_back(slot which, query const& asked);

    std::size_t size() const { return rows_.size(); }
    /// As the view has it, without what a run has taken.
    candidate const& node(slot which) const { return *rows_[which].node; }

    // For reasons.
    std::map<std::string_view, std::set<slot>> const& out_of_service() const { return out_of_service_; }
    lacking_nodes lacking_all() const;
    /// By what the nodes say that they lack for it; empty: they say nothing.
    std::map<std::string, lacking_nodes> lacking_runtime(instance_form form) const;
    lacking_nodes lacking_resource(std::size_t dimension, std::int64_t asked) const;
    std::string const& resource_name(std::size_t dimension) const { return dimensions_[dimension]; }
    std::size_t dimension_count() const { return dimensions_.size(); }
    /// Nodes in service with something that holds `port`; nullptr: there are none.
    std::set<slot> const* holders(host_port const& port) const;
    instance_id holder_on(slot which, host_port const& port) const;

private:
    /// As bits, and what the node says of the others.
    using runtimes_offered = std::pair<unsigned, string_map>;
    struct row {
        candidate const* node = nullptr;
        amounts capacity = {};
        amounts left = {};
        std::vector<std::pair<host_port, instance_id>> ports = {};
        std::vector<release_id> taken_of = {};  ///< whose instances a run has put here
        unsigned runtimes = 0;
        string_map missing_runtimes = {};
        std::int64_t penalty = 0;                 ///< scores::fewest_taints and scores::least_loaded, negated
        std::string_view out_of_service_by = {};  ///< the cause; empty: it takes instances
        std::array<std::uint8_t, dimensions_max> size = {};
    };
    /// Of one resource on the nodes of a subtree.
    struct extent {
        double share_max = 0;    ///< what is left, in thousandths of the capacity, less the node's penalty
        double inverse_min = 0;  ///< thousandths that one unit is
        std::int64_t left_max = 0;
        std::int64_t left_min = 0;
    };
    /// Of the nodes of a subtree that are in service. Doubles only tell where not to look: scores are integers.
    struct summary {
        std::uint32_t count = 0;
        unsigned runtimes = 0;  ///< that any of them offers
        node_id id_min = {};
        double scarcest_max = 0;  ///< of the shares of what each node has least of, less its penalty
        std::array<extent, dimensions_max> of = {};
    };
    struct finding {
        std::optional<slot> which;
        std::int64_t score = 0;
        std::size_t leaves_count = 0;  ///< that were looked at
    };
    /// The tree does not know of releases. So when all that have most left hold instances of the same one, it would
    /// go through all nodes for one that holds fewer.
    static constexpr std::size_t leaves_max = 32;

    bool needs_rebuild(std::map<node_id, candidate> const& nodes) const;
    void rebuild(std::map<node_id, candidate> const& nodes);
    void find_dimensions(std::map<node_id, candidate> const& nodes);
    std::optional<std::size_t> dimension_of(std::string_view name) const;
    std::array<std::uint8_t, dimensions_max> size_of(candidate const& node) const;
    row row_of(candidate const& node) const;
    void enlist(slot which);
    void delist(slot which);
    void settle(slot which);
    summary summary_of(row const& from) const;
    summary joined(summary const& one, summary const& other) const;

    bool is_taken_everywhere(std::span<host_port const> any) const;
    bool lacks(row const& node, query const& asked) const;
    std::int64_t score_of(row const& node, query const& asked) const;
    std::optional<std::int64_t> bound(summary const& of, query const& asked) const;
    bool is_beaten(std::size_t at, std::int64_t bound, finding const& by) const;
    void search(std::size_t at, std::optional<std::int64_t> bound, query const& asked, finding& best) const;
    void try_node(slot which, query const& asked, finding& best) const;
    void add_lacking(std::size_t at, std::size_t dimension, std::int64_t asked, lacking_nodes& into) const;
    void add_first(std::size_t at, std::vector<slot>& into) const;
    slot find_left(std::size_t at, std::size_t dimension, std::int64_t left) const;

    std::set<node_id> changed_;
    std::vector<std::string> dimensions_;
    bool is_whole_ = true;
    std::vector<row> rows_;
    std::map<node_id, slot> slots_;
    std::size_t leaf_count_ = 1;    ///< a power of two
    std::vector<summary> tree_{2};  ///< the root is 1, the children of i are 2i and 2i + 1, slot s is leaf_count_ + s
    std::map<std::string_view, std::set<slot>> out_of_service_;  ///< by cause
    std::map<runtimes_offered, std::set<slot>> by_runtimes_;     ///< those in service
    std::map<host_port, std::set<slot>> holders_;                ///< those in service
};

}  // namespace rik::detail
