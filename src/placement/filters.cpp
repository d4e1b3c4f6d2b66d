#include <rik/placement/placement.hpp>

#include "node_index_detail.hpp"

#include <algorithm>
#include <limits>

namespace rik {

namespace detail {

/// Amounts up to here can be multiplied by 1000, also where much more than all is taken.
constexpr std::int64_t share_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;

std::int64_t share_of(std::int64_t left, std::int64_t capacity) {
    auto const unit = capacity / share_max + 1;  // network file systems of petabytes times 1000 are too much
    return left / unit * 1000 / (capacity / unit);
}

std::string_view cause_of(std::string_view resource) {
    if (resource == resource::cpu) return "not enough cpu";
    if (resource == resource::memory) return "not enough memory";
    if (resource == resource::storage) return "not enough ephemeral-storage";
    if (resource == resource::pods) return "too many pods";
    return "not enough of a resource that it asks for";
}

std::string_view lacks_runtime_cause(instance_form form) {
    return form == instance_form::function ? "no node offers runtime microvm" : "no node offers runtime oci";
}

}  // namespace detail

namespace {

using detail::cause_of;
using detail::port_is_taken;

std::string_view runtime_of(instance_form form) { return form == instance_form::function ? "microvm" : "oci"; }

bool offers(candidate const& node, std::string_view runtime) {
    return std::find(node.runtimes.begin(), node.runtimes.end(), runtime) != node.runtimes.end();
}

reserved_port const* find_holder(candidate const& node, container_port const& wanted) {
    auto const found =
        std::find_if(node.host_ports_reserved.begin(), node.host_ports_reserved.end(), [&](auto const& each) {
            return each.port.host_port == wanted.host_port && each.port.protocol == wanted.protocol;
        });
    return found == node.host_ports_reserved.end() ? nullptr : &*found;
}

}  // namespace

namespace filters {

refusal is_not_ready(candidate const& node, release const&) {
    if (node.is_ready) return std::nullopt;
    return "node is not ready";
}

refusal has_trouble(candidate const& node, release const&) {
    if (node.troubles.empty()) return std::nullopt;
    return node.troubles.front().reason == "NetworkNotReady" ? "its Pod network is not ready" : "it is in trouble";
}

void list_troubles(candidate const& node, release const& asked, std::vector<shortage>& into) {
    if (auto const cause = has_trouble(node, asked))
        into.push_back({.cause = *cause, .told = node.troubles.front().message});
}

refusal lacks_runtime(candidate const& node, release const& asked) {
    if (offers(node, runtime_of(asked.spec().form))) return std::nullopt;
    return detail::lacks_runtime_cause(asked.spec().form);
}

refusal lacks_resources(candidate const& node, release const& asked) {
    auto const lacking = asked.requests.first_lacking(node.capacity, node.reserved);
    if (!lacking) return std::nullopt;
    return cause_of(*lacking);
}

void list_resources(candidate const& node, release const& asked, std::vector<shortage>& into) {
    for (auto const& [name, amount] : asked.requests.entries()) {
        auto const left = resources::left_of(name, node.capacity, node.reserved);
        if (amount <= 0 || amount <= left) continue;
        into.push_back({cause_of(name), name, amount, left, node.capacity.get(name)});
    }
}

refusal lacks_host_port(candidate const& node, release const& asked) {
    if (node.host_ports_reserved.empty()) return std::nullopt;
    for (auto const& wanted : host_ports(asked.spec()))
        if (find_holder(node, wanted) != nullptr) return port_is_taken;
    return std::nullopt;
}

void list_host_ports(candidate const& node, release const& asked, std::vector<shortage>& into) {
    if (node.host_ports_reserved.empty()) return;
    for (auto const& wanted : host_ports(asked.spec()))
        if (auto const* const taken = find_holder(node, wanted))
            into.push_back({.cause = port_is_taken, .port = taken});
}

}  // namespace filters

namespace scores {

std::int64_t most_free(candidate const& node, release const& asked) {
    auto scarcest = std::numeric_limits<std::int64_t>::max();
    for (auto const& [name, capacity] : node.capacity.entries()) {
        if (capacity <= 0) continue;
        auto const left = capacity - node.reserved.get(name) - asked.requests.get(name);
        scarcest = std::min(scarcest, detail::share_of(left, capacity));
    }
    return scarcest;
}

}  // namespace scores

placement_policy default_policy() {
    filter not_ready(filters::is_not_ready);
    not_ready.is_last_word = true;
    filter trouble(filters::has_trouble, filters::list_troubles);
    trouble.is_last_word = true;
    filter const runtime(filters::lacks_runtime);
    filter const room(filters::lacks_resources, filters::list_resources);
    filter const ports(filters::lacks_host_port, filters::list_host_ports);
    return {{not_ready, trouble, runtime, room, ports}, {scores::most_free}};
}

}  // namespace rik
