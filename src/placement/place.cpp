#include <rik/placement/placement.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t example_nodes_max = 3;

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

    /// The best node, on which one instance more is counted from now on; nullptr if none can take it.
    candidate const* choose() {
        if (standing_.empty()) return nullptr;
        std::pop_heap(standing_.begin(), standing_.end());
        auto& chosen = standing_.back();
        auto* const node = chosen.node;
        node->take(*asked_);
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

/// "a", or "a: what is wrong there".
std::string example_of(candidate const& node, release const& asked, std::string_view why) {
    if (filters::has_trouble(node, asked) != why) return node.name;
    return fmt::format("{}: {}", node.name, node.troubles.front().message);
}

/// Counts of reasons with a few example nodes, the reason of most nodes first.
placement_failure explain(candidates const& nodes, release const& asked, placement_policy const& policy) {
    struct group {
        std::size_t count = 0;
        std::string examples = {};
    };
    std::map<std::string_view, group> reasons;
    for (auto const& [id, node] : nodes) {
        auto const why = refuse(node, asked, policy);
        if (!why) continue;
        auto& same = reasons[*why];
        if (++same.count <= example_nodes_max)
            same.examples += (same.count > 1 ? ", " : "") + example_of(node, asked, *why);
    }
    placement_failure failure;
    if (reasons.empty()) failure.reason = "no node has joined yet";
    std::multimap<std::size_t, std::string, std::greater<>> sorted;
    for (auto const& [why, same] : reasons) {
        failure.causes.push_back(why);
        sorted.emplace(same.count, fmt::format("{} ({} {}: {}{})", why, same.count, same.count == 1 ? "node" : "nodes",
                                               same.examples, same.count > example_nodes_max ? ", ..." : ""));
    }
    for (auto const& [count, line] : sorted) failure.reason += (failure.reason.empty() ? "" : "; ") + line;
    return failure;
}

}  // namespace

refusal refuse(candidate const& node, release const& asked, placement_policy const& policy) {
    for (auto const& each : policy.filters)
        if (auto const why = each(node, asked)) return why;
    return std::nullopt;
}

placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy) {
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
        if (auto const* const node = current->choose()) {
            decided.placed.push_back({request.instance, node->id});
            continue;
        }
        hopeless.emplace(asked.id, decided.unplaced.size());
        decided.unplaced.push_back(explain(working, asked, policy));
        decided.unplaced.back().instances.push_back(request.instance);
    }
    return decided;
}

}  // namespace rik
