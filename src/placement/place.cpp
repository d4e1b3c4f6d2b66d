#include <rik/placement/placement.hpp>

#include <fmt/format.h>

#include <map>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t example_nodes_max = 3;

std::int64_t total(candidate const& node, release const& asked, placement_policy const& policy) {
    std::int64_t sum = 0;
    for (auto const& each : policy.scores) sum += each(node, asked);
    return sum;
}

/// The best node for `asked`; nullptr if none takes it.
candidate const* best(cluster_view const& nodes, release const& asked, placement_policy const& policy) {
    candidate const* chosen = nullptr;
    std::int64_t chosen_score = 0;
    for (auto const& [id, node] : nodes.nodes()) {
        if (refuse(node, asked, policy)) continue;
        auto const sum = total(node, asked, policy);
        if (chosen != nullptr && sum <= chosen_score) continue;
        chosen = &node;
        chosen_score = sum;
    }
    return chosen;
}

/// Counts of reasons with a few example nodes, the reason of most nodes first.
std::string explain(cluster_view const& nodes, release const& asked, placement_policy const& policy) {
    struct group {
        std::size_t count = 0;
        std::string examples = {};
    };
    std::map<std::string_view, group> reasons;
    for (auto const& [id, node] : nodes.nodes()) {
        auto const why = refuse(node, asked, policy);
        if (!why) continue;
        auto& same = reasons[*why];
        if (++same.count <= example_nodes_max) same.examples += (same.count > 1 ? ", " : "") + node.name;
    }
    if (reasons.empty()) return "no node has joined yet";
    std::multimap<std::size_t, std::string, std::greater<>> sorted;
    for (auto const& [why, same] : reasons)
        sorted.emplace(same.count, fmt::format("{} ({} {}: {}{})", why, same.count, same.count == 1 ? "node" : "nodes",
                                               same.examples, same.count > example_nodes_max ? ", ..." : ""));
    std::string text;
    for (auto const& [count, line] : sorted) text += (text.empty() ? "" : "; ") + line;
    return text;
}

}  // namespace

refusal refuse(candidate const& node, release const& asked, placement_policy const& policy) {
    for (auto const& each : policy.filters)
        if (auto const why = each(node, asked)) return why;
    return std::nullopt;
}

placement place(cluster_view nodes, std::span<place_request const> requests, placement_policy const& policy) {
    placement decided;
    // Once one of a release fits nowhere, none of the same release does: room only shrinks from here.
    std::map<release_id, std::size_t> hopeless;
    for (auto const& request : requests) {
        auto const& asked = *request.pod_release;
        if (auto const known = hopeless.find(asked.id); known != hopeless.end()) {
            decided.unplaced[known->second].instances.push_back(request.instance);
            continue;
        }
        if (auto const* const node = best(nodes, asked, policy)) {
            decided.placed.push_back({request.instance, node->id});
            nodes.hold(request.instance, decided.placed.back().node, request.pod_release);
            continue;
        }
        hopeless.emplace(asked.id, decided.unplaced.size());
        decided.unplaced.push_back({{request.instance}, explain(nodes, asked, policy)});
    }
    return decided;
}

}  // namespace rik
