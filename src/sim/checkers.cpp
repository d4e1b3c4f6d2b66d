// What must hold at every moment of a simulation, checked from outside the roles, whenever a container starts.
#include <rik/sim/cluster.hpp>

#include <fmt/format.h>

namespace rik::sim {

namespace {

/// Of what a machine runs: the resources and host ports that it does not have. Empty, or what is wrong.
std::string over_capacity(machine const& on, std::string_view name) {
    std::string wrong;
    resources taken;
    std::map<std::pair<port_protocol, std::uint16_t>, instance_id> ports;
    for (auto const& [id, pod] : on.running_pods()) {
        taken.add(effective_requests(pod));
        for (auto const& port : host_ports(pod))
            if (auto const [other, is_free] = ports.emplace(std::pair(port.protocol, port.host_port), id); !is_free)
                wrong += fmt::format("host port {}/{} of {}: instances {} and {}\n", port.host_port,
                                     to_string(port.protocol), name, other->second.text(), id.text());
    }
    if (auto const lacking = taken.first_lacking(on.capacity(), {}))
        wrong += fmt::format("{} of {}: {} taken, {} offered\n", *lacking, name, taken.get(*lacking),
                             on.capacity().get(*lacking));
    return wrong;
}

}  // namespace

void cluster::check_start(std::size_t index, container_key const& started) {
    auto const name = fmt::format("node-{}", index);
    if (auto const [home, is_first] = homes_.emplace(started.instance, index); !is_first && home->second != index)
        violations_ +=
            fmt::format("instance {} was started on node-{} and {}\n", started.instance.text(), home->second, name);
    violations_ += over_capacity(*machines_[index], name);
}

}  // namespace rik::sim
