// The ports of a container in a definition.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"
#include "model/fields/rows_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace rik::detail {

namespace {

port_protocol read_protocol(field_reader const& port) {
    std::string upper(port.text("protocol").value_or("TCP"));
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
    return parse_port_protocol(upper).value_or(port_protocol::tcp);
}

/// RIK's `port` is that of a service; where the container listens is `targetPort`, or `port` if that is not given.
std::uint16_t read_container_port(field_reader const& port) {
    auto const named = port.integer("containerPort");
    auto const camel = port.integer("targetPort");
    auto const snake = port.integer("target_port");
    auto const service = port.integer("port");
    auto const target = named ? named : camel ? camel : snake;
    for (auto const& other : {camel, snake})
        if (target && other && *other != *target)
            port.notes().problem(port.path(), "says twice, and differently, where the container listens",
                                 "keep one of containerPort, targetPort and target_port");
    if (target && service && *service != *target)
        port.notes().warn_unused(port.path_of("port"), rows::services_come_later);
    return static_cast<std::uint16_t>(target.value_or(service.value_or(0)));
}

bool names_a_port(field_reader const& port) {
    for (auto const field : {"containerPort", "targetPort", "target_port", "port"})
        if (port.find(field) != nullptr) return true;
    return false;
}

container_port read_port(field_reader const& fields) {
    container_port port;
    port.name = fields.text("name").value_or("");
    port.port = read_container_port(fields);
    if (!names_a_port(fields))
        fields.notes().problem(fields.path_of("containerPort"), "is missing", "say where the container listens");
    port.protocol = read_protocol(fields);
    return port;
}

std::vector<container_port> read_port_list(field_reader const& container, std::string_view field) {
    std::vector<container_port> ports;
    container.each(field, [&](field_reader const& fields) {
        auto port = read_port(fields);
        port.host_port = static_cast<std::uint16_t>(fields.integer("hostPort").value_or(0));
        if (!port.name.empty() && std::ranges::find(ports, port.name, &container_port::name) != ports.end())
            fields.notes().problem(fields.path_of("name"),
                                   fmt::format("'{}' is the name of two ports of its container", shortened(port.name)),
                                   "give every port a name of its own");
        ports.push_back(std::move(port));
    });
    return ports;
}

}  // namespace

std::vector<container_port> read_ports(field_reader const& container) {
    auto const* ports = container.find("ports");
    if (ports != nullptr && container.find("network") != nullptr)
        container.notes().problem(container.path_of("network"), "says the same as ports", "keep one of the two");
    auto const* const field = ports != nullptr ? "ports" : "network";
    auto all = read_port_list(container, field);
    container.in(field, [&](field_reader const& one) {
        all.push_back(read_port(one));
        if (one.find("hostPort") != nullptr)
            one.notes().warn_unused(one.path_of("hostPort"), "only an entry of a list of ports takes a host port");
    });
    return all;
}

}  // namespace rik::detail
