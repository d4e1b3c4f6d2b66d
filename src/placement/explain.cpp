#include "explain_detail.hpp"

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t examples_max = 3;

/// The nodes that lack the same thing.
struct group {
    std::string_view cause;
    std::size_t count = 0;
    candidate const* last = nullptr;         // a node may lack several host ports, and is one node
    std::vector<std::string> examples = {};  // "a", or "a: what it says itself"
    shortage closest = {};                   // of the node that has most left
    candidate const* closest_on = nullptr;
    std::size_t port_count = 0;
    std::vector<std::pair<candidate const*, held_port const*>> ports = {};
};
/// There are few causes and many nodes: looking through them is faster than a map.
using groups = std::vector<group>;

group& group_of(std::string_view cause, groups& all) {
    for (auto& each : all)
        if (each.cause == cause) return each;
    return all.emplace_back(group{.cause = cause});
}

void list_lacking(candidate const& node, release const& asked, placement_policy const& policy,
                  std::vector<shortage>& into) {
    for (auto const& each : policy.filters) {
        auto const why = each.refuses(node, asked);
        if (!why) continue;
        if (each.lists != nullptr)
            each.lists(node, asked, into);
        else
            into.push_back({.cause = *why});
        if (each.is_last_word) return;
    }
}

std::string example_of(candidate const& node, shortage const& what) {
    return what.told.empty() ? node.name : fmt::format("{}: {}", node.name, what.told);
}

void count(candidate const& node, shortage const& what, group& same) {
    if (std::exchange(same.last, &node) != &node && ++same.count <= examples_max)
        same.examples.push_back(example_of(node, what));
    if (what.port != nullptr && ++same.port_count <= examples_max) same.ports.emplace_back(&node, what.port);
    if (what.resource.empty() || (same.closest_on != nullptr && what.left <= same.closest.left)) return;
    same.closest = what;
    same.closest_on = &node;
}

groups count_all(std::map<node_id, candidate> const& nodes, release const& asked, placement_policy const& policy) {
    groups counted;
    std::vector<shortage> lacking;
    for (auto const& [id, node] : nodes) {
        lacking.clear();
        list_lacking(node, asked, policy, lacking);
        for (auto const& each : lacking) count(node, each, group_of(each.cause, counted));
    }
    std::ranges::sort(counted, {}, &group::cause);
    return counted;
}

std::string amount_text(std::string_view resource, std::int64_t amount) {
    if (resource == resource::cpu) return milli_text(amount);
    if (resource == resource::memory || resource == resource::storage) return bytes_text(amount);
    return fmt::format("{}", amount);
}

/// "asked 900Gi, most free 12Gi of 16Gi on a"
std::string amounts_text(shortage const& what, candidate const& on) {
    auto const left = std::max(what.left, std::int64_t{0});
    auto asked_text = amount_text(what.resource, what.asked);
    auto left_text = amount_text(what.resource, left);
    if (asked_text == left_text) {  // rounded alike, and yet too little
        asked_text = fmt::format("{}", what.asked);
        left_text = fmt::format("{}", left);
    }
    return fmt::format("asked {}, most free {} of {} on {}", asked_text, left_text,
                       amount_text(what.resource, what.capacity), on.name);
}

/// "8080/TCP on a by instance web-1"
std::string port_text(candidate const& on, held_port const& taken, instance_names const& names) {
    auto const name = names ? names(taken.holder) : std::string();
    return fmt::format("{}/{} on {} by {}", taken.port.host_port, to_string(taken.port.protocol), on.name,
                       name.empty() ? "another instance" : "instance " + name);
}

std::string_view rest_text(std::size_t count) { return count > examples_max ? ", ..." : ""; }

std::string details_of(group const& same, instance_names const& names) {
    auto text = fmt::format("{} {}: ", same.count, same.count == 1 ? "node" : "nodes");
    text += fmt::format("{}{}", fmt::join(same.examples, ", "), rest_text(same.count));
    if (same.closest_on != nullptr) text += "; " + amounts_text(same.closest, *same.closest_on);
    for (auto const& [on, taken] : same.ports)
        text += (taken == same.ports.front().second ? "; " : ", ") + port_text(*on, *taken, names);
    return text.append(rest_text(same.port_count));
}

}  // namespace

placement_failure explain(std::map<node_id, candidate> const& nodes, release const& asked,
                          placement_policy const& policy, instance_names const& names) {
    auto const counted = count_all(nodes, asked, policy);
    placement_failure failure;
    if (counted.empty()) failure.reason = "no node has joined yet";
    std::multimap<std::size_t, std::string, std::greater<>> sorted;
    for (auto const& same : counted) {
        failure.causes.push_back(same.cause);
        for (auto const& [on, taken] : same.ports) failure.holders.push_back(taken->holder);
        sorted.emplace(same.count, fmt::format("{} ({})", same.cause, details_of(same, names)));
    }
    for (auto const& [nodes_count, line] : sorted) failure.reason += (failure.reason.empty() ? "" : "; ") + line;
    return failure;
}

}  // namespace rik::detail
