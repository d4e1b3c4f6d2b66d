#include "node_index_detail.hpp"

#include <algorithm>
#include <cmath>

namespace rik::detail {

std::optional<slot> node_index::best(query const& asked) const {
    finding best;
    if (!asked.unoffered && !is_taken_everywhere(asked.ports)) search(1, bound(tree_[1], asked), asked, best);
    return best.which;
}

bool node_index::is_taken_everywhere(std::span<host_port const> any) const {
    return std::ranges::any_of(any, [this](host_port const& port) {
        auto const* const which = holders(port);
        return which != nullptr && which->size() == tree_[1].count;
    });
}

/// No node of the subtree scores more; nullopt: none can take it. A node's score is the least of what its resources
/// have left in thousandths, each less what is asked of it: so it is at most the least of what any node of the subtree
/// has left of each, and at most what any has left of its scarcest, less the cheapest thing that is asked. What its
/// taints and its load cost a node is taken off its shares already; what it holds of the release can only cost it more.
std::optional<std::int64_t> node_index::bound(summary const& of, query const& asked) const {
    if (of.count == 0 || (of.runtimes & asked.runtime) == 0) return std::nullopt;
    auto least = share_unlimited;
    auto cheapest = share_unlimited;
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
        auto const amount = asked.asked[i];
        if (amount > 0 && amount > of.of[i].left_max) return std::nullopt;
        auto const cost = static_cast<double>(amount) * of.of[i].inverse_min;
        least = std::min(least, of.of[i].share_max - cost);
        cheapest = std::min(cheapest, cost);
    }
    least = std::min(least, of.scarcest_max - cheapest);
    least += 1e-6 + std::abs(least) * 1e-12;  // more than all rounding
    if (least >= 9e18) return std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::max(least, -9e18));
}

bool node_index::is_beaten(std::size_t at, std::int64_t bound, finding const& by) const {
    if (!by.which) return false;
    if (by.leaves_count >= leaves_max) return true;
    if (bound > by.score) return false;
    return bound < by.score || rows_[*by.which].node->id < tree_[at].id_min;
}

/// The better part is searched first, and of equal ones the part with the lowest id: the other one may be beaten then.
void node_index::search(std::size_t at, std::optional<std::int64_t> bound, query const& asked, finding& best) const {
    if (!bound || is_beaten(at, *bound, best)) return;
    if (at >= leaf_count_) return try_node(static_cast<slot>(at - leaf_count_), asked, best);
    auto const left = this->bound(tree_[2 * at], asked);
    auto const right = this->bound(tree_[2 * at + 1], asked);
    auto const is_right_first = right > left || (right == left && tree_[2 * at + 1].id_min < tree_[2 * at].id_min);
    if (is_right_first) search(2 * at + 1, right, asked, best);
    search(2 * at, left, asked, best);
    if (!is_right_first) search(2 * at + 1, right, asked, best);
}

void node_index::try_node(slot which, query const& asked, finding& best) const {
    auto const& node = rows_[which];
    if (lacks(node, asked)) return;
    ++best.leaves_count;
    auto const score = score_of(node, asked);
    if (best.which && (score < best.score || (score == best.score && rows_[*best.which].node->id < node.node->id)))
        return;
    best.which = which;
    best.score = score;
}

/// What `bound` has not looked at on a leaf: as filters::lacks_host_port.
bool node_index::lacks(row const& node, query const& asked) const {
    return std::ranges::any_of(asked.ports, [&](host_port const& wanted) {
        return std::ranges::any_of(node.ports, [&](auto const& taken) { return taken.first == wanted; });
    });
}

/// As the sum of all scores.
std::int64_t node_index::score_of(row const& node, query const& asked) const {
    auto scarcest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < dimensions_.size(); ++i)
        if (node.capacity[i] > 0)
            scarcest = std::min(scarcest, share_of(node.left[i] - asked.asked[i], node.capacity[i]));
    auto const held = node.node->held_of.find(asked.release);
    auto const alike = (held == node.node->held_of.end() ? 0 : held->second) +
                       static_cast<std::size_t>(std::ranges::count(node.taken_of, asked.release));
    return scarcest - node.penalty + cost_of_alike(alike);
}

lacking_nodes node_index::lacking_all() const {
    lacking_nodes all{.count = tree_[1].count};
    add_first(1, all.first);
    if (!all.first.empty()) all.closest = all.first.front();
    return all;
}

std::map<std::string, lacking_nodes> node_index::lacking_runtime(instance_form form) const {
    std::map<std::string, lacking_nodes> all;
    for (auto const& [offered, which] : by_runtimes_) {
        if ((offered.first & runtime_bit(form)) != 0) continue;
        auto const why = offered.second.find(runtime_name(form));
        auto& found = all[why == offered.second.end() ? std::string() : why->second];
        found.count += which.size();
        auto const count = std::min(which.size(), examples_max);
        found.first.insert(found.first.end(), which.begin(),
                           std::next(which.begin(), static_cast<std::ptrdiff_t>(count)));
    }
    for (auto& [why, found] : all) {
        std::ranges::sort(found.first);
        found.first.resize(std::min(found.first.size(), examples_max));
    }
    return all;
}

lacking_nodes node_index::lacking_resource(std::size_t dimension, std::int64_t asked) const {
    lacking_nodes found;
    add_lacking(1, dimension, asked, found);
    return found;
}

/// A subtree of which all nodes lack it is counted as a whole.
void node_index::add_lacking(std::size_t at, std::size_t dimension, std::int64_t asked, lacking_nodes& into) const {
    auto const& here = tree_[at];
    auto const& offered = here.of[dimension];
    if (here.count == 0 || offered.left_min >= asked) return;
    if (offered.left_max >= asked) {
        add_lacking(2 * at, dimension, asked, into);
        add_lacking(2 * at + 1, dimension, asked, into);
        return;
    }
    into.count += here.count;
    add_first(at, into.first);
    if (into.closest && offered.left_max <= into.closest_left) return;
    into.closest = find_left(at, dimension, offered.left_max);
    into.closest_left = offered.left_max;
}

void node_index::add_first(std::size_t at, std::vector<slot>& into) const {
    if (tree_[at].count == 0 || into.size() >= examples_max) return;
    if (at >= leaf_count_) return into.push_back(static_cast<slot>(at - leaf_count_));
    add_first(2 * at, into);
    add_first(2 * at + 1, into);
}

/// The first node of the subtree, one of whose nodes has `left`, and none more.
slot node_index::find_left(std::size_t at, std::size_t dimension, std::int64_t left) const {
    while (at < leaf_count_) {
        auto const& first = tree_[2 * at];
        at = 2 * at + (first.count != 0 && first.of[dimension].left_max == left ? 0 : 1);
    }
    return static_cast<slot>(at - leaf_count_);
}

std::set<slot> const* node_index::holders(host_port const& port) const {
    auto const found = holders_.find(port);
    return found == holders_.end() ? nullptr : &found->second;
}

instance_id node_index::holder_on(slot which, host_port const& port) const {
    auto const& ports = rows_[which].ports;
    return std::ranges::find(ports, port, &std::pair<host_port, instance_id>::first)->second;
}

}  // namespace rik::detail
