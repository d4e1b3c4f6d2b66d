#include "explain_detail.hpp"

#include <rik/placement/placement.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace rik {

namespace {

using candidates = std::map<node_id, candidate>;

std::int64_t total(candidate const& node, release const& asked, placement_policy const& policy) {
    std::int64_t sum = 0;
    for (auto const& each : policy.scores) sum += each(node, asked);
    return sum;
}

/// The nodes that can take one release, as a heap with the best on top. What one node takes changes no other node's
/// score, so after a choice only the chosen one is looked at again.
class contest {
public:
    contest(candidates& nodes, release_ptr asked, placement_policy const& policy)
        : asked_(std::move(asked)), policy_(policy) {
        for (auto& [id, node] : nodes)
            if (!refuse(node, *asked_, policy_)) standing_.push_back({total(node, *asked_, policy_), &node});
        std::make_heap(standing_.begin(), standing_.end());
    }

    release_id const& subject() const { return asked_->id; }

    /// The best node, on which `instance` is counted from now on; nullptr if none can take it.
    candidate const* choose(instance_id const& instance) {
        if (standing_.empty()) return nullptr;
        std::pop_heap(standing_.begin(), standing_.end());
        auto& chosen = standing_.back();
        auto* const node = chosen.node;
        node->take(*asked_, instance);
        if (refuse(*node, *asked_, policy_)) {
            standing_.pop_back();
        } else {
            chosen.score = total(*node, *asked_, policy_);
            std::push_heap(standing_.begin(), standing_.end());
        }
        return node;
    }

private:
    struct contender {
        std::int64_t score;
        candidate* node;
        friend bool operator<(contender const& one, contender const& other) {
            return one.score != other.score ? one.score < other.score : other.node->id < one.node->id;
        }
    };
    release_ptr asked_;
    placement_policy const& policy_;
    std::vector<contender> standing_;
};

}  // namespace

refusal refuse(candidate const& node, release const& asked, placement_policy const& policy) {
    for (auto const& each : policy.filters)
        if (auto const why = each.refuses(node, asked)) return why;
    return std::nullopt;
}

placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy,
                instance_names const& names) {
    placement decided;
    if (requests.empty()) return decided;
    auto working = nodes.nodes();
    std::optional<contest> current;
    // Once one of a release fits nowhere, none of the same release does: room only shrinks from here.
    std::map<release_id, std::size_t> hopeless;
    for (auto const& request : requests) {
        auto const& asked = *request.pod_release;
        if (auto const known = hopeless.find(asked.id); known != hopeless.end()) {
            decided.unplaced[known->second].instances.push_back(request.instance);
            continue;
        }
        if (!current || current->subject() != asked.id) current.emplace(working, request.pod_release, policy);
        if (auto const* const node = current->choose(request.instance)) {
            decided.placed.push_back({request.instance, node->id});
            continue;
        }
        hopeless.emplace(asked.id, decided.unplaced.size());
        decided.unplaced.push_back(detail::explain(working, asked, policy, names));
        decided.unplaced.back().instances.push_back(request.instance);
    }
    return decided;
}

}  // namespace rik
