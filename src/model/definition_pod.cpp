// What a Pod says beside its containers: where it goes, its network, its names, what its containers share.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::int32_t cluster_critical = 2'000'000'000;  // Source: Kubernetes, scheduling.SystemClusterCritical
constexpr std::int32_t node_critical = 2'000'001'000;

toleration read_toleration(field_reader const& from) {
    toleration made;
    made.key = from.text("key").value_or("");
    made.how = parse_toleration_operator(from.text("operator").value_or("")).value_or(toleration_operator::equal);
    made.value = from.text("value").value_or("");
    made.effect = parse_taint_effect(from.text("effect").value_or(""));
    made.seconds = from.integer("tolerationSeconds");
    if (made.key.empty() && made.how == toleration_operator::equal)
        from.notes().problem(from.path_of("key"), "is missing, and with it the taint that is meant",
                             "name it, or write operator: Exists for every taint");
    if (made.how == toleration_operator::exists && !made.value.empty())
        from.notes().problem(from.path_of("value"), "is not compared with the operator Exists",
                             "leave it out, or write operator: Equal");
    return made;
}

void read_priority(field_reader const& spec, instance_template& into) {
    auto const name = spec.text("priorityClassName").value_or("");
    if (name == "system-node-critical") into.priority = node_critical;
    if (name == "system-cluster-critical") into.priority = cluster_critical;
    if (auto const number = spec.integer("priority")) into.priority = static_cast<std::int32_t>(*number);
    if (!name.empty() && into.priority == 0)
        spec.notes().warn_unused(spec.path_of("priorityClassName"),
                                 "there are no PriorityClasses; write the number as priority");
}

void read_place(field_reader const& spec, instance_template& into) {
    into.node_name = spec.text("nodeName").value_or("");
    into.node_selector = spec.map("nodeSelector");
    spec.each("tolerations", [&](field_reader const& from) { into.tolerations.push_back(read_toleration(from)); });
    read_priority(spec, into);
}

host_alias read_alias(field_reader const& from) {
    return {std::string(from.text("ip").value_or("")), from.texts("hostnames")};
}

std::string option_text(field_reader const& from) {
    auto const name = from.text("name").value_or("");
    auto const value = from.text("value").value_or("");
    return value.empty() ? std::string(name) : fmt::format("{}:{}", name, value);
}

/// Nothing in resolv.conf or hosts may begin a line of its own.
bool is_one_word(std::string_view text) {
    return !text.empty() &&
           std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

void check_dns_words(field_reader const& from, std::string_view field, std::vector<std::string> const& words) {
    for (std::size_t i = 0; i < words.size(); ++i)
        if (!is_one_word(words[i]))
            from.notes().problem(path_of(from.path_of(field), i), "has a blank in it, or is empty",
                                 "write one word an entry");
}

void check_dns_count(field_reader const& from, std::string_view field, std::size_t count, std::size_t limit) {
    if (count > limit)
        from.notes().problem(from.path_of(field), fmt::format("has {} entries; the limit is {}", count, limit),
                             "leave some out");
}

void read_dns(field_reader const& from, dns_settings& into) {
    into.servers = from.texts("nameservers");
    into.searches = from.texts("searches");
    from.each("options", [&](field_reader const& option) { into.options.push_back(option_text(option)); });
    check_dns_count(from, "nameservers", into.servers.size(), limits::name_servers_max);
    check_dns_count(from, "searches", into.searches.size(), limits::search_domains_max);
    check_dns_words(from, "searches", into.searches);
    check_dns_words(from, "options", into.options);
}

void read_network(field_reader const& spec, instance_template& into) {
    into.hostname = spec.text("hostname").value_or("");
    into.has_host_network = spec.flag("hostNetwork");
    into.dns.policy = parse_dns_policy(spec.text("dnsPolicy").value_or("")).value_or(dns_policy::cluster_first);
    spec.in("dnsConfig", [&](field_reader const& from) { read_dns(from, into.dns); });
    if (into.dns.policy == dns_policy::none && into.dns.servers.empty())
        spec.notes().problem(spec.path_of("dnsPolicy"), "is None, and dnsConfig has no name server",
                             "give one in dnsConfig.nameservers");
    check_dns_count(spec, "hostAliases", spec.list("hostAliases") == nullptr ? 0 : spec.list("hostAliases")->size(),
                    limits::host_aliases_max);
    spec.each("hostAliases", [&](field_reader const& from) { into.host_aliases.push_back(read_alias(from)); });
}

void read_groups(field_reader const& security, instance_template& into) {
    if (auto const* list = security.list("supplementalGroups"))
        for (auto const& each : *list)
            if (auto const* number = each.if_int64()) into.groups.push_back(*number);
    into.volume_group = security.integer("fsGroup");
}

using path_list = std::vector<std::string>;

std::string host_port_path(path_list const& containers, std::size_t container, std::size_t port) {
    return fmt::format("{}.ports[{}].hostPort", containers[container], port);
}

/// With hostNetwork each port is one of the node.
void take_ports_of_host(field_reader const& spec, path_list const& containers, instance_template& pod) {
    for (std::size_t i = 0; i < pod.containers.size(); ++i) {
        for (std::size_t j = 0; j < pod.containers[i].ports.size(); ++j) {
            auto& port = pod.containers[i].ports[j];
            if (port.host_port != 0 && port.host_port != port.port)
                spec.notes().problem(host_port_path(containers, i, j),
                                     "differs from the port, which is the node's own with hostNetwork", "leave it out");
            port.host_port = port.port;
        }
    }
}

/// Init containers end before the others start: a port of one may be that of another if it leads to the same place.
bool is_same_port(container_port const& one, container_port const& other) {
    return one.port == other.port && one.host_port == other.host_port && one.protocol == other.protocol;
}

void check_host_ports(field_reader const& spec, path_list const& containers, instance_template const& pod) {
    struct holder {
        container_port port;
        bool is_init;
    };
    std::map<std::pair<std::uint16_t, port_protocol>, holder> taken;
    for (std::size_t i = 0; i < pod.containers.size() && !spec.notes().is_full(); ++i) {
        auto const& ports = pod.containers[i].ports;
        auto const is_init = pod.containers[i].role == container_role::init;
        for (std::size_t j = 0; j < ports.size() && !spec.notes().is_full(); ++j) {
            if (ports[j].host_port == 0) continue;
            auto const [first, is_new] =
                taken.try_emplace({ports[j].host_port, ports[j].protocol}, holder{ports[j], is_init});
            if (is_new || (first->second.is_init && is_same_port(first->second.port, ports[j]))) continue;
            spec.notes().problem(host_port_path(containers, i, j),
                                 fmt::format("{}/{} is taken by another port of this Pod", ports[j].host_port,
                                             to_string(ports[j].protocol)),
                                 "give every port a host port of its own");
        }
    }
}

void check_shared(field_reader const& spec, path_list const& containers, instance_template const& pod) {
    auto const sum = requests_of(pod.containers);
    for (auto const& [name, amount] : pod.requests.entries())
        if (sum.get(name) > amount)
            spec.notes().problem(fmt::format("{}.resources.requests.{}", spec.path(), name),
                                 "is less than its containers ask for together", "raise it, or lower theirs");
    for (std::size_t i = 0; i < pod.containers.size(); ++i)
        for (auto const& [name, amount] : pod.limits.entries())
            if (pod.containers[i].limits.get(name) > amount)
                spec.notes().problem(fmt::format("{}.resources.limits.{}", containers[i], name),
                                     "is more than the limit of the whole Pod", "lower it, or raise that of the Pod");
}

}  // namespace

void read_pod(field_reader const& spec, std::vector<std::string> const& containers, instance_template& into) {
    read_place(spec, into);
    read_network(spec, into);
    spec.in("securityContext", [&](field_reader const& from) { read_groups(from, into); });
    spec.in("resources", [&](field_reader const& from) { read_resources(from, into.requests, into.limits); });
    if (into.has_host_network) take_ports_of_host(spec, containers, into);
    check_host_ports(spec, containers, into);
    check_shared(spec, containers, into);
    spec.each("topologySpreadConstraints", [](field_reader const& from) {
        from.notes().warn_unused(from.path(), "Pods are spread by what is free on nodes");
    });
}

}  // namespace rik::detail
