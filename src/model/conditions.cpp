#include <rik/model/conditions.hpp>

#include <rik/model/definition.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace rik {

namespace {

constexpr std::array<std::string_view, condition_types.size()> type_words{"PodScheduled", "PodReadyToStartContainers",
                                                                          "Initialized", "ContainersReady", "Ready"};
constexpr std::array<std::string_view, 3> status_words{"False", "True", "Unknown"};

constexpr bool is_main(container_definition const& which) { return which.role == container_role::main; }

container_status const* find_status(instance const& of, std::string_view name) {
    auto const& all = of.status().containers;
    auto const found = std::ranges::find(all, name, &container_status::name);
    return found == all.end() ? nullptr : &*found;
}

instance_condition met(condition_type type, std::optional<wall_time> since = {}) {
    return {.type = type, .status = condition_status::yes, .since = since};
}

instance_condition scheduled(instance const& of) {
    if (of.binding()) return met(condition_type::pod_scheduled);
    instance_condition made{.type = condition_type::pod_scheduled};
    if (of.status().reason != "Unschedulable") return made;
    made.reason = of.status().reason;
    made.message = of.status().message;
    return made;
}

bool has_run(container_status const& which) { return which.started_at || which.last; }

/// On the host's network it has no address of its own before something runs.
instance_condition ready_to_start(instance const& of) {
    auto const& seen = of.status();
    auto const has_network = !seen.addresses.empty() || std::ranges::any_of(seen.containers, has_run);
    if (has_network && !is_finished(seen.state)) return met(condition_type::pod_ready_to_start_containers);
    return {.type = condition_type::pod_ready_to_start_containers};
}

/// With main containers only there is nothing to wait for but a node.
instance_condition initialized(instance const& of) {
    constexpr auto type = condition_type::initialized;
    auto const& all = of.spec().containers;
    if (of.status().initialized_at) return met(type, of.status().initialized_at);
    if (std::ranges::all_of(all, is_main)) return of.binding() ? met(type) : instance_condition{.type = type};
    std::vector<std::string_view> missing;
    for (auto const& each : all) {
        auto const* const seen = find_status(of, each.name);
        auto const is_done = seen != nullptr && (each.role == container_role::init ? seen->ready : seen->started);
        if (!is_main(each) && !is_done) missing.push_back(each.name);
    }
    return {.type = type,
            .reason = "ContainersNotInitialized",
            .message = fmt::format("containers with incomplete status: [{}]", fmt::join(missing, " "))};
}

/// Why an instance whose containers are not all ready is not.
instance_condition not_ready(instance const& of, condition_type type) {
    if (of.state() == instance_state::succeeded) return {.type = type, .reason = "PodCompleted"};
    if (of.state() == instance_state::failed) return {.type = type, .reason = "PodFailed"};
    std::vector<std::string_view> missing;
    for (auto const& each : of.spec().containers) {
        auto const* const seen = find_status(of, each.name);
        if (each.role != container_role::init && (seen == nullptr || !seen->ready)) missing.push_back(each.name);
    }
    instance_condition made{.type = type, .reason = "ContainersNotReady"};
    if (!missing.empty()) made.message = fmt::format("containers with unready status: [{}]", fmt::join(missing, " "));
    return made;
}

/// A node that does not tell it of each container tells it of the whole.
bool are_ready(instance const& of) {
    if (of.status().ready) return true;
    auto is_ready = [&](container_definition const& each) {
        auto const* const seen = find_status(of, each.name);
        return each.role == container_role::init || (seen != nullptr && seen->ready);
    };
    return of.state() == instance_state::running && std::ranges::all_of(of.spec().containers, is_ready);
}

instance_condition containers_ready(instance const& of) {
    constexpr auto type = condition_type::containers_ready;
    return are_ready(of) ? met(type) : not_ready(of, type);
}

instance_condition ready(instance const& of) {
    constexpr auto type = condition_type::ready;
    return of.status().ready ? met(type, of.status().ready_since) : not_ready(of, type);
}

void make_unknown(instance_condition& which) {
    which.status = condition_status::unknown;
    which.reason = "NodeUnheard";
    which.message = "its node is not heard";
    which.since.reset();
}

}  // namespace

std::string_view to_string(condition_type type) { return type_words[static_cast<std::size_t>(type)]; }

std::optional<condition_type> parse_condition_type(std::string_view text) {
    for (auto const each : condition_types)
        if (to_string(each) == text) return each;
    return std::nullopt;
}

std::string_view to_string(condition_status status) { return status_words[static_cast<std::size_t>(status)]; }

std::optional<condition_status> parse_condition_status(std::string_view text) {
    auto const found = std::ranges::find(status_words, text);
    if (found == status_words.end()) return std::nullopt;
    return static_cast<condition_status>(found - status_words.begin());
}

std::vector<instance_condition> conditions_of(instance const& of, bool is_unheard) {
    std::vector<instance_condition> all{scheduled(of), ready_to_start(of), initialized(of), containers_ready(of),
                                        ready(of)};
    if (is_unheard && !is_finished(of.state()))
        for (auto const type : {condition_type::containers_ready, condition_type::ready})
            make_unknown(all[static_cast<std::size_t>(type)]);
    return all;
}

}  // namespace rik
