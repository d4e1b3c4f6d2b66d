#include "requests_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

bool has_only_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char each) { return each >= '0' && each <= '9'; });
}

bool is_zero(std::string_view digits) { return digits.find_first_not_of('0') == digits.npos; }

/// What the Pod asks for beyond its containers is for all of them alike.   Source: Kubernetes, pkg/kubelet/qos,
/// GetContainerOOMScoreAdjust.
std::int64_t memory_request_of(instance_template const& pod, container_definition const& container) {
    auto rest = pod.requests.get(resource::memory);
    for (auto const& each : pod.containers) rest -= each.requests.get(resource::memory);
    auto const count = static_cast<std::int64_t>(std::max<std::size_t>(pod.containers.size(), 1));
    return container.requests.get(resource::memory) + std::max<std::int64_t>(rest, 0) / count;
}

/// Whoever a container runs as may use the volumes.   Source: Kubernetes, PodSecurityContext.fsGroup.
std::vector<std::int64_t> groups_of(instance_template const& pod) {
    auto groups = pod.groups;
    if (pod.volume_group && std::ranges::find(groups, *pod.volume_group) == groups.end())
        groups.push_back(*pod.volume_group);
    return groups;
}

}  // namespace

instance_facts facts_of(instance_fields const& of, node_facts const& node) {
    instance_facts made{.id = of.id, .name = of.name, .definition = of.made_from->definition, .node_name = node.name};
    made.addresses = of.status.addresses;
    if (!node.addresses.empty()) made.node_address = node.addresses.front();
    made.node_capacity = node.capacity;
    made.index = of.index;
    return made;
}

std::vector<std::string> addresses_on(node_facts const& node) {
    if (node.addresses.empty()) return {};
    return {node.addresses.front()};
}

/// An init container runs alone but for the sidecars before it.
static std::int64_t memory_limit_of(std::vector<container_definition> const& containers) {
    std::int64_t sum = 0;
    std::int64_t peak = 0;
    for (auto const& each : containers) {
        auto const limit = each.limits.get(resource::memory);
        if (limit == 0) return 0;
        peak = std::max(peak, sum + limit);
        if (each.role != container_role::init) sum += limit;
    }
    return peak;
}

resources limits_of_pod(instance_template const& spec) {
    auto made = spec.limits;
    if (spec.form == instance_form::function || made.get(resource::memory) > 0) return made;
    if (auto const bytes = memory_limit_of(spec.containers); bytes > 0) made.set(resource::memory, bytes);
    return made;
}

sandbox_request make_sandbox_request(instance_fields const& of) {
    auto const& spec = of.made_from->spec();
    sandbox_request made{.instance = of.id, .hostname = hostname_of(*of.made_from->definition, of.name, of.index)};
    made.addresses = of.status.addresses;
    made.dns = spec.dns;
    made.host_aliases = spec.host_aliases;
    made.has_host_network = spec.has_host_network;
    made.limits = limits_of_pod(spec);
    made.volumes = spec.volumes;
    made.volume_group = spec.volume_group;
    return made;
}

result<container_request> make_container_request(instance_facts const& of, container_definition definition,
                                                 image_ptr from, std::uint32_t attempt) {
    container_request made{.key = {of.id, definition.name, attempt}, .definition = std::move(definition)};
    if (auto const resolved = resolve_variables(of, made.definition); !resolved) return resolved.error();
    made.from = std::move(from);
    made.groups = groups_of(of.definition->spec);
    made.memory_request_bytes = memory_request_of(of.definition->spec, made.definition);
    made.annotations = own_annotations(of, made.definition.name);
    return made;
}

std::optional<error> find_root(container_definition const& container, image_config const& image) {
    auto const& rights = container.rights;
    if (!rights.is_never_root || rights.user.value_or(0) > 0) return std::nullopt;
    auto const refuse = [&](std::string why) {
        return error{errc::denied,
                     fmt::format("container {}: runAsNonRoot is true, and {}", container.name, std::move(why)),
                     "securityContext.runAsNonRoot", "set runAsUser to the number of another user"};
    };
    if (rights.user) return refuse("runAsUser is 0, which is root");
    auto const user = std::string_view(image.user).substr(0, image.user.find(':'));
    if (user.empty()) return refuse("its image names no user, which means root");
    if (!has_only_digits(user))
        return refuse(fmt::format("the user of its image is a name, '{}', which may stand for root", user));
    if (is_zero(user)) return refuse("the user of its image is 0, which is root");
    return std::nullopt;
}

}  // namespace rik::detail
