#include <rik/placement/placement.hpp>

#include "run_detail.hpp"

#include <algorithm>

namespace rik {

namespace {

template <class Function, class Target>
bool is_target(std::function<Function> const& what, Target* expected) {
    auto const* const target = what.template target<Target*>();
    return target != nullptr && *target == expected;
}

bool is_same(filter const& one, filter const& other) {
    using check = refusal(candidate const&, release const&);
    using list = void(candidate const&, release const&, std::vector<shortage>&);
    auto* const* const expected = other.refuses.target<check*>();
    auto* const* const expected_list = other.lists.target<list*>();
    if (!is_target<check, check>(one.refuses, *expected) || one.is_last_word != other.is_last_word) return false;
    return expected_list == nullptr ? !one.lists : is_target<list, list>(one.lists, *expected_list);
}

}  // namespace

namespace detail {

bool is_default(placement_policy const& policy) {
    using check = std::int64_t(candidate const&, release const&);
    static placement_policy const expected = default_policy();
    auto const is_same_score = [](score const& one, score const& other) {
        return is_target<check, check>(one, *other.target<check*>());
    };
    return std::ranges::equal(policy.filters, expected.filters, is_same) &&
           std::ranges::equal(policy.scores, expected.scores, is_same_score);
}

}  // namespace detail

refusal refuse(candidate const& node, release const& asked, placement_policy const& policy) {
    for (auto const& each : policy.filters)
        if (auto const why = each.refuses(node, asked)) return why;
    return std::nullopt;
}

namespace {

/// What it says of nodes is looked at by the filters themselves, for each release: the index does not know it.
bool is_chooser(instance_template const& spec) {
    return !spec.node_name.empty() || !spec.node_selector.empty() || !spec.tolerations.empty();
}

}  // namespace

demand detail::demand_of(release const& asked, bool by_default) {
    demand made{.requests = asked.requests.entries(), .form = asked.spec().form};
    for (auto const& container : asked.spec().containers)
        for (auto const& port : container.ports)
            if (port.host_port != 0) made.ports.emplace_back(port.host_port, port.protocol);
    made.priority = asked.spec().priority;
    if (is_chooser(asked.spec())) made.chooser = asked.id;
    if (!by_default) made.only_of = asked.id;
    return made;
}

demand demand_of(release const& asked, placement_policy const& policy) {
    return detail::demand_of(asked, detail::is_default(policy));
}

placement place(cluster_view const& nodes, std::span<place_request const> requests, placement_policy const& policy,
                instance_names const& names) {
    placement decided;
    if (requests.empty()) return decided;
    placement_run run(nodes, policy, names);
    for (auto const& request : requests)
        if (auto const made = run.place(request); made.node) decided.placed.push_back({request.instance, *made.node});
    decided.unplaced = run.take_failures();
    return decided;
}

}  // namespace rik
