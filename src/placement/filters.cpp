#include <rik/placement/placement.hpp>

#include <algorithm>
#include <limits>

namespace rik {

namespace {

std::string_view runtime_of(workload_kind kind) { return kind == workload_kind::function ? "microvm" : "oci"; }

bool offers(candidate const& node, std::string_view runtime) {
    return std::find(node.runtimes.begin(), node.runtimes.end(), runtime) != node.runtimes.end();
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

refusal lacks_runtime(candidate const& node, release const& asked) {
    auto const runtime = runtime_of(asked.pod.kind);
    if (offers(node, runtime)) return std::nullopt;
    return runtime == "microvm" ? "no node offers runtime microvm" : "no node offers runtime oci";
}

refusal lacks_resources(candidate const& node, release const& asked) {
    auto const lacking = asked.requests.first_lacking(node.capacity, node.taken);
    if (!lacking) return std::nullopt;
    if (*lacking == resource::cpu) return "not enough cpu";
    if (*lacking == resource::memory) return "not enough memory";
    if (*lacking == resource::storage) return "not enough ephemeral-storage";
    if (*lacking == resource::pods) return "too many pods";
    return "not enough of a resource that it asks for";
}

refusal lacks_host_port(candidate const& node, release const& asked) {
    if (node.host_ports_taken.empty()) return std::nullopt;
    for (auto const& wanted : host_ports(asked.pod))
        for (auto const& taken : node.host_ports_taken)
            if (taken.host_port == wanted.host_port && taken.protocol == wanted.protocol) return "host port is taken";
    return std::nullopt;
}

}  // namespace filters

namespace scores {

/// Amounts up to here can be multiplied by 1000, also where much more than all is taken.
constexpr std::int64_t share_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;

std::int64_t most_free(candidate const& node, release const& asked) {
    auto scarcest = std::numeric_limits<std::int64_t>::max();
    for (auto const& [name, capacity] : node.capacity.entries()) {
        if (capacity <= 0) continue;
        auto const left = capacity - node.taken.get(name) - asked.requests.get(name);
        auto const unit = capacity / share_max + 1;  // network file systems of petabytes times 1000 are too much
        scarcest = std::min(scarcest, left / unit * 1000 / (capacity / unit));
    }
    return scarcest;
}

}  // namespace scores

placement_policy default_policy() {
    return {{filters::is_not_ready, filters::has_trouble, filters::lacks_runtime, filters::lacks_resources,
             filters::lacks_host_port},
            {scores::most_free}};
}

}  // namespace rik
