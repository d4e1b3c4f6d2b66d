#include "explain_detail.hpp"

#include <rik/base/quantity.hpp>
#include <rik/placement/shortage_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace rik::detail {

namespace {

/// A host port that is asked for and taken.
struct taken_port {
    candidate const* on;
    host_port port;
    instance_id holder;
};

/// The nodes that lack the same thing.
struct group {
    std::string_view cause;
    std::string alike = {};
    std::size_t count = 0;
    candidate const* last = nullptr;         // a node may lack several host ports, and is one node
    std::vector<std::string> examples = {};  // "a", or "a: what it says itself"
    shortage closest = {};                   // of the node that has most left
    candidate const* closest_on = nullptr;
    std::size_t port_count = 0;
    std::vector<taken_port> ports = {};
};
/// There are few causes and many nodes: looking through them is faster than a map.
using groups = std::vector<group>;

group& group_of(shortage const& what, groups& all) {
    for (auto& each : all)
        if (each.cause == what.cause && each.alike == what.alike) return each;
    return all.emplace_back(group{.cause = what.cause, .alike = what.alike});
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
    if (what.port != nullptr && ++same.port_count <= examples_max)
        same.ports.push_back({&node, {what.port->port.host_port, what.port->port.protocol}, what.port->holder});
    if (what.resource.empty() || (same.closest_on != nullptr && what.left <= same.closest.left)) return;
    same.closest = what;
    same.closest_on = &node;
}

groups count_all(std::span<candidate const* const> nodes, release const& asked, placement_policy const& policy) {
    groups counted;
    std::vector<shortage> lacking;
    for (auto const* const node : nodes) {
        lacking.clear();
        list_lacking(*node, asked, policy, lacking);
        for (auto const& each : lacking) count(*node, each, group_of(each, counted));
    }
    return counted;
}

/// The same counts from the index.
class index_counts {
public:
    index_counts(node_index const& nodes, query const& asked) : nodes_(nodes), asked_(asked) {}

    groups all(instance_form form) {
        add_out_of_service();
        for (auto const& [why, lacking] : nodes_.lacking_runtime(form)) {
            auto* const same = add(lacks_runtime_cause(form), lacking);
            if (same != nullptr) same->alike = why;
        }
        for (std::size_t i = 0; i < nodes_.dimension_count(); ++i)
            if (auto const amount = asked_.asked[i]; amount > 0)
                add(nodes_.resource_name(i), amount, nodes_.lacking_resource(i, amount));
        if (auto const& none = asked_.unoffered) add(none->first, none->second, nodes_.lacking_all());
        add_ports();
        return std::move(counted_);
    }

private:
    void add_out_of_service() {
        for (auto const& [cause, which] : nodes_.out_of_service()) {
            auto& same = counted_.emplace_back(group{.cause = cause, .count = which.size()});
            for (auto const each : which) {
                if (same.examples.size() == examples_max) break;
                auto const& node = nodes_.node(each);
                same.examples.push_back(example_of(node, *out_of_service(node)));
            }
        }
    }

    group* add(std::string_view cause, lacking_nodes const& lacking) {
        if (lacking.count == 0) return nullptr;
        auto& same = counted_.emplace_back(group{.cause = cause, .count = lacking.count});
        for (auto const each : lacking.first) same.examples.push_back(nodes_.node(each).name);
        return &same;
    }

    void add(std::string_view resource, std::int64_t asked, lacking_nodes const& lacking) {
        auto* const same = add(cause_of(resource), lacking);
        if (same == nullptr) return;
        same->closest_on = &nodes_.node(*lacking.closest);
        same->closest = {.resource = resource, .asked = asked, .left = lacking.closest_left};
        same->closest.capacity = same->closest_on->capacity.get(resource);
    }

    void add_ports() {
        std::vector<std::set<slot> const*> taken;
        for (auto const& port : asked_.ports)
            if (auto const* const which = nodes_.holders(port)) taken.push_back(which);
        if (taken.size() == 1) add_ports(*taken.front());
        if (taken.size() <= 1) return;
        std::set<slot> any;
        for (auto const* const which : taken) any.insert(which->begin(), which->end());
        add_ports(any);
    }

    /// Of the nodes that have something on any of the ports.
    void add_ports(std::set<slot> const& any) {
        auto& same = counted_.emplace_back(group{.cause = port_is_taken, .count = any.size()});
        for (auto const& port : asked_.ports)
            if (auto const* const which = nodes_.holders(port)) same.port_count += which->size();
        for (auto const each : any) {
            if (same.examples.size() == examples_max) break;
            same.examples.push_back(nodes_.node(each).name);
            add_ports(each, same.ports);
        }
    }

    void add_ports(slot on, std::vector<taken_port>& into) {
        for (auto const& port : asked_.ports) {
            auto const* const which = nodes_.holders(port);
            if (into.size() == examples_max || which == nullptr || !which->contains(on)) continue;
            into.push_back({&nodes_.node(on), port, nodes_.holder_on(on, port)});
        }
    }

    node_index const& nodes_;
    query const& asked_;
    groups counted_;
};

/// "asked 900Gi, free 12Gi of 16Gi"
std::string amounts_text(shortage const& what, std::string_view free) {
    auto const left = std::max(what.left, std::int64_t{0});
    auto asked_text = amount_text(what.resource, what.asked);
    auto left_text = amount_text(what.resource, left);
    if (asked_text == left_text) {  // rounded alike, and yet too little
        asked_text = fmt::format("{}", what.asked);
        left_text = fmt::format("{}", left);
    }
    return fmt::format("asked {}, {} {} of {}", asked_text, free, left_text, amount_text(what.resource, what.capacity));
}

std::string holder_text(instance_id const& holder, instance_names const& names) {
    auto const name = names ? names(holder) : std::string();
    return name.empty() ? "another instance" : "instance " + name;
}

/// "8080/TCP on a by instance web-1"
std::string port_text(taken_port const& taken, instance_names const& names) {
    return fmt::format("{}/{} on {} by {}", taken.port.first, to_string(taken.port.second), taken.on->name,
                       holder_text(taken.holder, names));
}

std::string_view rest_text(std::size_t count) { return count > examples_max ? ", ..." : ""; }

std::string details_of(group const& same, instance_names const& names) {
    auto text = fmt::format("{} {}: ", same.count, same.count == 1 ? "node" : "nodes");
    text += fmt::format("{}{}", fmt::join(same.examples, ", "), rest_text(same.count));
    if (same.closest_on != nullptr)
        text += fmt::format("; {} on {}", amounts_text(same.closest, "most free"), same.closest_on->name);
    for (auto const& each : same.ports) text += (&each == same.ports.data() ? "; " : ", ") + port_text(each, names);
    return text.append(rest_text(same.port_count));
}

/// "node a has no conmon", "no conmon (2 nodes: a, b)"
std::string alike_text(group const& same, instance_names const& names) {
    if (same.alike.empty()) return fmt::format("({})", details_of(same, names));
    if (same.count == 1) return fmt::format("node {} has {}", same.examples.front(), same.alike);
    return fmt::format("{} ({})", same.alike, details_of(same, names));
}

/// What all groups of a cause say, those of most nodes first. Names and numbers are in parentheses but for a single
/// node's.
std::string cause_text(std::span<group const> of, instance_names const& names) {
    if (of.size() == 1 && of.front().alike.empty())
        return fmt::format("{} ({})", of.front().cause, details_of(of.front(), names));
    std::vector<group const*> sorted;
    for (auto const& each : of) sorted.push_back(&each);
    std::ranges::stable_sort(sorted, std::ranges::greater(), &group::count);
    std::string text(of.front().cause);
    for (std::size_t i = 0; i < std::min(sorted.size(), examples_max); ++i)
        text += (i == 0 ? ": " : "; ") + alike_text(*sorted[i], names);
    return text.append(sorted.size() > examples_max ? "; ..." : "");
}

placement_failure told(groups counted, instance_names const& names) {
    std::ranges::sort(counted, [](group const& a, group const& b) {
        return std::tie(a.cause, a.alike) < std::tie(b.cause, b.alike);
    });
    placement_failure failure;
    if (counted.empty()) failure.reason = "no node has joined yet";
    std::multimap<std::size_t, std::string, std::greater<>> sorted;
    for (auto begin = counted.begin(); begin != counted.end();) {
        auto const end =
            std::find_if(begin, counted.end(), [&](group const& each) { return each.cause != begin->cause; });
        std::size_t count = 0;
        for (auto const& same : std::span(begin, end)) {
            count += same.count;
            for (auto const& each : same.ports) failure.holders.push_back(each.holder);
        }
        failure.causes.push_back(begin->cause);
        sorted.emplace(count, cause_text(std::span(begin, end), names));
        begin = end;
    }
    for (auto const& [nodes_count, line] : sorted) failure.reason += (failure.reason.empty() ? "" : "; ") + line;
    return failure;
}

/// "not enough cpu (asked 3, free 2 of 4)"
std::string one_text(shortage const& of, instance_names const& names) {
    if (!of.resource.empty()) return fmt::format("{} ({})", of.cause, amounts_text(of, "free"));
    if (of.port != nullptr)
        return fmt::format("{} ({}/{} by {})", of.cause, of.port->port.host_port, to_string(of.port->port.protocol),
                           holder_text(of.port->holder, names));
    auto const& more = of.told.empty() ? of.alike : of.told;
    return more.empty() ? std::string(of.cause) : fmt::format("{} ({})", of.cause, more);
}

}  // namespace

placement_failure explain(std::span<candidate const* const> nodes, release const& asked, placement_policy const& policy,
                          instance_names const& names) {
    return told(count_all(nodes, asked, policy), names);
}

placement_failure explain(node_index const& nodes, query const& asked, instance_form form,
                          instance_names const& names) {
    return told(index_counts(nodes, asked).all(form), names);
}

bool is_countable(query const& asked) { return asked.uncommon_count <= 1; }

}  // namespace rik::detail

std::string rik::shortage_text(candidate const& node, release const& asked, placement_policy const& policy,
                               instance_names const& names) {
    std::vector<shortage> lacking;
    detail::list_lacking(node, asked, policy, lacking);
    std::string text;
    for (auto const& each : lacking) text += (text.empty() ? "" : "; ") + detail::one_text(each, names);
    return text;
}
