#include "node_changes_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/controllers/controller.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// Of instances in a message.
constexpr std::size_t names_count_max = 10;

error offered_by_node(std::string_view key) {
    return error{errc::conflict, fmt::format("label {} is the node's own: it cannot be taken off", key), "labels",
                 "give it another value"};
}

result<void> change_node_labels(string_map& labels, label_changes const& by, string_map const& offered) {
    for (auto const& [key, value] : by) {
        if (!value && !labels.contains(key) && offered.contains(key)) return offered_by_node(key);
        if (auto wrong = check_label(key, value.value_or(std::string()))) return std::move(*wrong);
    }
    change_labels(labels, by);
    if (labels.size() <= limits::labels_per_node_max) return {};
    return error{errc::exhausted, fmt::format("a node has at most {} labels", limits::labels_per_node_max), "labels"};
}

/// "disk=ssd, zone-": what of `now` is other than `before`.
std::string told_labels(string_map const& before, string_map const& now) {
    std::vector<std::string> told;
    for (auto const& [key, value] : now) {
        auto const old = before.find(key);
        if (old == before.end() || old->second != value) told.push_back(fmt::format("{}={}", key, value));
    }
    for (auto const& [key, value] : before)
        if (!now.contains(key)) told.push_back(key + "-");
    return fmt::format("{}", fmt::join(told, ", "));
}

std::string told_taints(std::vector<taint> const& now) {
    std::vector<std::string> told;
    for (auto const& each : now) told.push_back(to_string(each));
    return told.empty() ? "none" : fmt::format("{}", fmt::join(told, ", "));
}

/// "; db-0, db-1 must never run twice": those of `of` with an identity.
std::string told_identities(std::vector<stored<instance>> of) {
    std::erase_if(of, [](auto const& each) { return !has_identities(each->made_from()->definition->kind); });
    return of.empty() ? std::string() : fmt::format("; {} must never run twice", names_text(of));
}

/// "3 instances (a, b, c)"
std::string told_instances(std::vector<stored<instance>> const& of) {
    return of.empty() ? count_text(0) : fmt::format("{} ({})", count_text(of.size()), names_text(of));
}

workload_kind kind_of(view const& in, instance const& row) {
    auto const owner = row.owner() ? in.find<workload>(*row.owner()) : stored<workload>();
    return owner ? owner->kind : workload_kind::pod;
}

}  // namespace

std::string names_text(std::vector<stored<instance>> const& of) {
    std::vector<std::string_view> names;
    for (auto const& each : of)
        if (names.size() < names_count_max) names.push_back(each->name());
    auto text = fmt::format("{}", fmt::join(names, ", "));
    if (of.size() > names.size()) text += fmt::format(", and {} more", of.size() - names.size());
    return text;
}

std::string count_text(std::size_t instances_count) {
    return fmt::format("{} {}", instances_count, instances_count == 1 ? "instance" : "instances");
}

result<node> changed(node row, node_change const& what) {
    if (what.is_cordoned) row.standing.is_cordoned = *what.is_cordoned;
    if (auto const labelled = change_node_labels(row.operator_labels, what.labels, row.facts.labels); !labelled)
        return labelled.error();
    settle_labels(row);
    auto taints = changed_taints(std::move(row.standing.taints), what.taints);
    if (!taints) return taints.error();
    if (taints->size() > limits::taints_per_node_max)
        return error{errc::exhausted, fmt::format("a node has at most {} taints", limits::taints_per_node_max),
                     "taints"};
    row.standing.taints = std::move(*taints);
    if (!row.standing.is_cordoned)
        std::erase_if(row.standing.taints, [](auto const& each) { return each.key == leaving_taint_key; });
    return row;
}

std::string told_change(node const& before, node const& now) {
    std::vector<std::string> told;
    if (before.standing.is_cordoned != now.standing.is_cordoned)
        told.emplace_back(now.standing.is_cordoned ? "cordoned" : "uncordoned");
    if (before.operator_labels != now.operator_labels)
        told.push_back("labels: " + told_labels(before.operator_labels, now.operator_labels));
    if (before.standing.taints != now.standing.taints) told.push_back("taints: " + told_taints(now.standing.taints));
    return fmt::format("{}", fmt::join(told, "; "));
}

drain_plan plan_drain(view const& in, std::vector<stored<instance>> const& bound, drain_options how) {
    drain_plan plan;
    for (auto const& each : bound) {
        if (each->is_condemned()) continue;
        auto const kind = kind_of(in, *each);
        if (kind == workload_kind::daemon_set && !how.forces) {
            plan.kept.push_back({each,
                                 "it is of a DaemonSet, which would make another one here at once: it goes with the "
                                 "node (rikctl node remove)"});
            continue;
        }
        if (how.forces || is_finished(each->state()) || is_managed(kind))
            plan.to_condemn.push_back(each->id());
        else
            plan.kept.push_back(
                {each, "nobody makes another one in its place: a drain removes it only if it is forced"});
    }
    return plan;
}

std::optional<error> keeps_from_removal(view const& in, node const& which, std::vector<stored<instance>> const& bound) {
    auto const& name = which.facts.name;
    auto others = bound;
    std::erase_if(others, [&](auto const& each) { return kind_of(in, *each) == workload_kind::daemon_set; });
    if (!others.empty())
        return error{errc::conflict,
                     fmt::format("node {} cannot be removed: it still has {}", name, told_instances(others)),
                     {},
                     "drain it first; if its machine is gone for good, declare it dead"};
    if (!bound.empty() && which.state == node_state::unheard)
        return error{errc::conflict,
                     fmt::format("node {} cannot be removed: it is not heard, so it cannot end {} of DaemonSets", name,
                                 told_instances(bound)),
                     {},
                     fmt::format("start it again; if its machine is gone for good: rikctl node declare-dead {}", name)};
    if (which.state == node_state::unheard || which.standing.is_cordoned) return std::nullopt;
    return error{
        errc::conflict, fmt::format("node {} cannot be removed: it takes instances", name), {}, "drain it first"};
}

void forget_node(transaction& into, event_writer& events, stored<node> const& which) {
    auto happened = events.about(*which);
    happened.reason = "NodeRemoved";
    happened.message = fmt::format("the node was removed; its Pod subnet {} is free", which->pod_subnet);
    events.note(into, std::move(happened));
    into.remove<node>(which->id, which.changed_at);
}

/// NoExecute, so that the scheduler and an eviction after a crash mind it as well.
node leaving(node row) {
    row.standing.taints.push_back({std::string(leaving_taint_key), {}, taint_effect::no_execute});
    return row;
}

std::optional<error> keeps_from_death(node const& which, std::vector<stored<instance>> const& bound,
                                      std::string_view confirmation) {
    auto const& name = which.facts.name;
    if (which.state != node_state::unheard)
        return error{errc::conflict,
                     fmt::format("node {} is heard: it is not dead", name),
                     {},
                     "drain it and remove it; or stop it, and wait until it is unheard"};
    if (confirmation == name) return std::nullopt;
    return error{
        errc::invalid,
        fmt::format("declaring node {} dead gives up {}; where its machine is not off, this runs on, beside what "
                    "takes its place{}",
                    name, told_instances(bound), told_identities(bound)),
        "confirm", fmt::format("if its machine is gone for good, confirm with the name of the node: {}", name)};
}

}  // namespace rik::detail
