#include <rik/placement/placement.hpp>

#include "node_index_detail.hpp"

#include <fmt/format.h>

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

bool names(release const& asked, candidate const& node) {
    return !asked.spec().node_name.empty() && asked.spec().node_name == node.name;
}

bool keeps_off(taint const& each, candidate const& node, release const& asked) {
    if (each.effect == taint_effect::prefer_no_schedule || tolerates(asked.spec().tolerations, each)) return false;
    return each.effect != taint_effect::no_schedule || !names(asked, node);
}

/// "gpu=yes:NoSchedule, spot:NoExecute"
std::string taints_text(candidate const& node, release const& asked) {
    std::string text;
    for (auto const& each : node.standing.taints)
        if (keeps_off(each, node, asked)) text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(each));
    return text;
}

bool has_label(candidate const& node, string_map::value_type const& wanted) {
    auto const found = node.labels.find(wanted.first);
    return found != node.labels.end() && found->second == wanted.second;
}

/// "disk=ssd, zone=a"
std::string lacking_labels_text(candidate const& node, release const& asked) {
    std::string text;
    for (auto const& each : asked.spec().node_selector)
        if (!has_label(node, each)) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", each.first, each.second);
    return text;
}

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

refusal was_declared_dead(candidate const& node, release const&) {
    if (!node.standing.is_dead) return std::nullopt;
    return "node was declared dead, and is not yet cleared";
}

refusal is_cordoned(candidate const& node, release const& asked) {
    if (!node.standing.is_cordoned || names(asked, node)) return std::nullopt;
    return "node is cordoned";
}

refusal is_another_node(candidate const& node, release const& asked) {
    if (asked.spec().node_name.empty() || names(asked, node)) return std::nullopt;
    return "it is not the node that is asked for";
}

refusal lacks_labels(candidate const& node, release const& asked) {
    auto const has = [&](auto const& each) { return has_label(node, each); };
    if (std::ranges::all_of(asked.spec().node_selector, has)) return std::nullopt;
    return "node has not the labels that are asked for";
}

void list_labels(candidate const& node, release const& asked, std::vector<shortage>& into) {
    if (auto const cause = lacks_labels(node, asked))
        into.push_back({.cause = *cause, .told = lacking_labels_text(node, asked)});
}

refusal has_taint(candidate const& node, release const& asked) {
    auto const keeps = [&](taint const& each) { return keeps_off(each, node, asked); };
    if (std::ranges::none_of(node.standing.taints, keeps)) return std::nullopt;
    return "node has a taint";
}

void list_taints(candidate const& node, release const& asked, std::vector<shortage>& into) {
    if (auto const cause = has_taint(node, asked)) into.push_back({.cause = *cause, .told = taints_text(node, asked)});
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
    if (offers(node, runtime_name(asked.spec().form))) return std::nullopt;
    return detail::lacks_runtime_cause(asked.spec().form);
}

void list_runtimes(candidate const& node, release const& asked, std::vector<shortage>& into) {
    auto const cause = lacks_runtime(node, asked);
    if (!cause) return;
    auto const why = node.missing_runtimes.find(runtime_name(asked.spec().form));
    into.push_back({.cause = *cause, .alike = why == node.missing_runtimes.end() ? std::string() : why->second});
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

std::int64_t fewest_taints(candidate const& node, release const& asked) {
    auto const counts = [&](taint const& each) {
        return each.effect == taint_effect::prefer_no_schedule && !tolerates(asked.spec().tolerations, each);
    };
    auto const count = std::ranges::count_if(node.standing.taints, counts);
    return -10'000 * static_cast<std::int64_t>(count);  // shares of what is free are 1,000 at most
}

std::int64_t fewest_alike(candidate const& node, release const& asked) {
    auto const alike = node.held_of.find(asked.id);
    return alike == node.held_of.end() ? 0 : detail::cost_of_alike(alike->second);
}

std::int64_t least_loaded(candidate const& node, release const&) { return -31 * node.load_eighths; }

}  // namespace scores

std::int64_t detail::cost_of_alike(std::size_t count) {
    return -250 * static_cast<std::int64_t>(std::min(count, std::size_t{4}));
}

release const& detail::undemanding() {
    static release const anything{.definition = std::make_shared<workload_definition const>()};
    return anything;
}

std::optional<shortage> detail::out_of_service(candidate const& node) {
    std::vector<shortage> why;
    for (auto const refuses : {filters::was_declared_dead, filters::is_not_ready, filters::is_cordoned})
        if (auto const cause = refuses(node, undemanding())) return shortage{.cause = *cause};
    filters::list_taints(node, undemanding(), why);
    if (why.empty()) filters::list_troubles(node, undemanding(), why);
    return why.empty() ? std::nullopt : std::optional(std::move(why.front()));
}

namespace {

void list_another(candidate const& node, release const& asked, std::vector<shortage>& into) {
    if (auto const cause = filters::is_another_node(node, asked))
        into.push_back({.cause = *cause, .told = fmt::format("{} is asked for", asked.spec().node_name)});
}

filter last_word(filter from) {
    from.is_last_word = true;
    return from;
}

}  // namespace

placement_policy default_policy() {
    auto const not_ready = last_word(filters::is_not_ready);
    auto const dead = last_word(filters::was_declared_dead);
    auto const cordoned = last_word(filters::is_cordoned);
    auto const tainted = last_word({filters::has_taint, filters::list_taints});
    auto const trouble = last_word({filters::has_trouble, filters::list_troubles});
    filter const another = last_word({filters::is_another_node, list_another});
    filter const labels(filters::lacks_labels, filters::list_labels);
    filter const runtime(filters::lacks_runtime, filters::list_runtimes);
    filter const room(filters::lacks_resources, filters::list_resources);
    filter const ports(filters::lacks_host_port, filters::list_host_ports);
    return {{another, dead, not_ready, cordoned, tainted, trouble, labels, runtime, room, ports},
            {scores::most_free, scores::fewest_taints, scores::fewest_alike, scores::least_loaded}};
}

}  // namespace rik
