#include <rik/model/definition.hpp>

#include "model/definition_fields.hpp"

#include <rik/base/id.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik {

namespace {

/// In the order of the enumerators.
constexpr std::array<std::string_view, 8> kind_words{"Pod",       "Function",    "ReplicaSet", "Deployment",
                                                     "DaemonSet", "StatefulSet", "Job",        "CronJob"};

}  // namespace

std::string_view to_string(workload_kind kind) { return kind_words.at(static_cast<std::size_t>(kind)); }

std::optional<workload_kind> parse_workload_kind(std::string_view text) {
    auto const found = std::ranges::find(kind_words, text);
    if (found == kind_words.end()) return std::nullopt;
    return static_cast<workload_kind>(found - kind_words.begin());
}

std::string_view to_string(instance_form form) { return form == instance_form::function ? "Function" : "Pod"; }

std::string_view to_string(restart_policy policy) {
    switch (policy) {
        case restart_policy::always: return "Always";
        case restart_policy::on_failure: return "OnFailure";
        case restart_policy::never: return "Never";
    }
    return "Always";
}

std::optional<restart_policy> parse_restart_policy(std::string_view text) {
    for (auto const policy : {restart_policy::always, restart_policy::on_failure, restart_policy::never})
        if (text == to_string(policy)) return policy;
    return std::nullopt;
}

std::string_view to_string(container_role role) {
    switch (role) {
        case container_role::init: return "init";
        case container_role::sidecar: return "sidecar";
        case container_role::main: return "main";
    }
    return "main";
}

std::optional<container_role> parse_container_role(std::string_view text) {
    for (auto const role : {container_role::init, container_role::sidecar, container_role::main})
        if (text == to_string(role)) return role;
    return std::nullopt;
}

restart_policy detail::usual_restart(definition_form form, workload_kind kind) {
    if (has_end(kind)) return form == definition_form::rik ? restart_policy::on_failure : restart_policy::always;
    auto const is_bare_of_rik = form == definition_form::rik && !is_managed(kind);
    return is_bare_of_rik ? restart_policy::never : restart_policy::always;
}

string_map const& instance_annotations(workload_definition const& of) {
    return is_managed(of.kind) ? of.spec.annotations : of.annotations;
}

/// Of several tolerations that match the shortest counts.   Source: Kubernetes, tainteviction, getMinTolerationTime
std::optional<duration> tolerated_absence(workload_definition const& of) {
    if (has_identities(of.kind)) return std::nullopt;  // nobody but its node, or a person, knows that it is gone
    if (of.upkeep.unheard_tolerance) return of.upkeep.unheard_tolerance;
    static taint const unreachable{"node.kubernetes.io/unreachable", "", taint_effect::no_execute};
    std::optional<duration> shortest;
    auto is_tolerated = false;
    for (auto const& each : of.spec.tolerations) {
        if (!tolerates(each, unreachable)) continue;
        is_tolerated = true;
        if (!each.seconds) continue;
        duration const time = std::chrono::seconds(std::max<std::int64_t>(*each.seconds, 0));
        shortest = std::min(shortest.value_or(time), time);
    }
    if (is_tolerated) return shortest;
    return of.form == definition_form::rik ? std::chrono::seconds(30) : std::chrono::seconds(300);
}

std::string_view runtime_name(instance_form form) { return form == instance_form::function ? "microvm" : "oci"; }

std::string_view to_string(image_pull_policy policy) {
    switch (policy) {
        case image_pull_policy::always: return "Always";
        case image_pull_policy::if_not_present: return "IfNotPresent";
        case image_pull_policy::never: return "Never";
    }
    return "Always";
}

std::optional<image_pull_policy> parse_image_pull_policy(std::string_view text) {
    for (auto const policy : {image_pull_policy::always, image_pull_policy::if_not_present, image_pull_policy::never})
        if (text == to_string(policy)) return policy;
    return std::nullopt;
}

std::string_view to_string(definition_form form) {
    return form == definition_form::kubernetes ? "Kubernetes' form" : "RIK's form";
}

std::string_view to_string(dns_policy policy) {
    switch (policy) {
        case dns_policy::cluster_first: return "ClusterFirst";
        case dns_policy::cluster_first_with_host_net: return "ClusterFirstWithHostNet";
        case dns_policy::node: return "Default";
        case dns_policy::none: return "None";
    }
    return "ClusterFirst";
}

std::optional<dns_policy> parse_dns_policy(std::string_view text) {
    for (auto const policy :
         {dns_policy::cluster_first, dns_policy::cluster_first_with_host_net, dns_policy::node, dns_policy::none})
        if (text == to_string(policy)) return policy;
    return std::nullopt;
}

std::string_view to_string(port_protocol protocol) { return protocol == port_protocol::udp ? "UDP" : "TCP"; }

std::optional<port_protocol> parse_port_protocol(std::string_view text) {
    if (text == "TCP") return port_protocol::tcp;
    if (text == "UDP") return port_protocol::udp;
    return std::nullopt;
}

namespace {

constexpr bool is_lower_alphanumeric(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

/// Lower-case letters, digits and '-' inside.
bool is_label(std::string_view text) {
    if (text.empty() || !is_lower_alphanumeric(text.front()) || !is_lower_alphanumeric(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char letter) { return is_lower_alphanumeric(letter) || letter == '-'; });
}

bool is_subdomain(std::string_view text) {
    for (;;) {
        auto const dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

std::optional<error> name_problem(std::string_view name, std::string_view field, std::size_t bytes_max, bool is_legal,
                                  std::string_view remedy) {
    auto const problem = [&](std::string message) {
        return error{errc::invalid, std::move(message), std::string(field), std::string(remedy)};
    };
    if (name.empty()) return problem("is empty");
    if (name.size() > bytes_max)
        return problem(fmt::format("is longer than {} characters (it has {})", bytes_max, name.size()));
    if (!is_legal) return problem(fmt::format("'{}' is not a legal name", name));
    return std::nullopt;
}

}  // namespace

/// An init container runs alone but for the sidecars before it; what it needs more than the rest together counts.
/// Source: Kubernetes, "Sidecar Containers", "Resource sharing within containers".
resources detail::requests_of(std::vector<container_definition> const& containers) {
    resources sum;
    resources peak;
    for (auto const& container : containers) {
        auto while_it_runs = sum;
        while_it_runs.add(container.requests);
        if (container.role != container_role::init) sum = while_it_runs;
        for (auto const& [name, amount] : while_it_runs.entries()) peak.set(name, std::max(amount, peak.get(name)));
    }
    return peak;
}

resources overhead_of(instance_form form) {
    resources made;
    if (form == instance_form::function) made.set(resource::memory, limits::function_overhead_memory_bytes);
    return made;
}

resources effective_requests(instance_template const& from) {
    auto all = detail::requests_of(from.containers);
    for (auto const& [name, amount] : from.requests.entries()) all.set(name, amount);
    all.add(overhead_of(from.form));
    all.set(resource::pods, 1);
    return all;
}

/// An init container may have a port of another.
static bool has_host_port(std::vector<container_port> const& all, container_port const& wanted) {
    return std::any_of(all.begin(), all.end(), [&](container_port const& each) {
        return each.host_port == wanted.host_port && each.protocol == wanted.protocol;
    });
}

bool needs_chosen_port(instance_template const& from) {
    return from.form == instance_form::function && from.function && from.function->port == 0;
}

std::vector<container_port> host_ports(instance_template const& from, std::uint16_t chosen) {
    std::vector<container_port> found;
    for (auto const& container : from.containers)
        for (auto const& port : container.ports)
            if (port.host_port != 0 && !has_host_port(found, port)) found.push_back(port);
    if (chosen != 0 && needs_chosen_port(from))
        found.push_back({.port = from.function->target_port, .host_port = chosen});
    return found;
}

std::optional<error> check_name(std::string_view name, std::string_view field) {
    return name_problem(
        name, field, limits::name_bytes_max, is_subdomain(name),
        "use lower-case letters, digits, '-' and '.', with a letter or a digit at both ends of each part");
}

std::optional<error> check_object_name(std::string_view name, std::string_view field) {
    if (auto wrong = check_name(name, field)) return wrong;
    if (!workload_id::parse(name)) return std::nullopt;  // all ids have the same form
    return error{errc::invalid, fmt::format("'{}' has the form of an id", name), std::string(field),
                 "choose a name that is no UUID"};
}

std::optional<error> check_label_name(std::string_view name, std::string_view field) {
    return name_problem(name, field, limits::label_bytes_max, is_label(name),
                        "use lower-case letters, digits and '-', with a letter or a digit at both ends");
}

}  // namespace rik
