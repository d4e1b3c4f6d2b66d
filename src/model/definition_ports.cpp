// The ports of a container in a definition.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace rik::detail {

namespace {

constexpr std::string_view service_comes_later =
    "node ports, load balancers and service ports come with a later version";
constexpr std::array port_entry_rules{field_rule{"name"},        field_rule{"containerPort"},
                                      field_rule{"hostPort"},    field_rule{"protocol"},
                                      field_rule{"port"},        field_rule{"targetPort"},
                                      field_rule{"target_port"}, field_rule{"type", service_comes_later}};
constexpr std::array port_object_rules{field_rule{"name"},
                                       field_rule{"containerPort"},
                                       field_rule{"hostPort", "only an entry of a list of ports takes a host port"},
                                       field_rule{"protocol"},
                                       field_rule{"port"},
                                       field_rule{"targetPort"},
                                       field_rule{"target_port"},
                                       field_rule{"type", service_comes_later}};

port_protocol read_protocol(field_reader const& port) {
    auto const text = port.text("protocol");
    if (!text) return port_protocol::tcp;
    std::string upper(*text);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
    if (auto const protocol = parse_port_protocol(upper)) return *protocol;
    port.notes().problem(port.path_of("protocol"), fmt::format("'{}' is not a protocol of RIK", shortened(*text)),
                         "use TCP or UDP");
    return port_protocol::tcp;
}

/// RIK's `port` is that of a service; where the container listens is `targetPort`, or `port` if that is not given.
std::uint16_t read_container_port(field_reader const& port) {
    auto const named = port.integer("containerPort", port_range);
    auto const camel = port.integer("targetPort", port_range);
    auto const snake = port.integer("target_port", port_range);
    auto const service = port.integer("port", port_range);
    auto const target = named ? named : camel ? camel : snake;
    for (auto const& other : {camel, snake})
        if (target && other && *other != *target)
            port.notes().problem(port.path(), "says twice, and differently, where the container listens",
                                 "keep one of containerPort, targetPort and target_port");
    if (target && service && *service != *target) port.notes().warn_unused(port.path_of("port"), service_comes_later);
    return static_cast<std::uint16_t>(target.value_or(service.value_or(0)));
}

bool names_a_port(field_reader const& port) {
    for (auto const field : {"containerPort", "targetPort", "target_port", "port"})
        if (port.find(field) != nullptr) return true;
    return false;
}

container_port read_port(field_reader const& fields) {
    container_port port;
    if (auto const name = fields.text("name")) {
        port.name = *name;
        fields.notes().problem(check_label_name(*name, fields.path_of("name")));
    }
    port.port = read_container_port(fields);
    if (!names_a_port(fields))
        fields.notes().problem(fields.path_of("containerPort"), "is missing", "say where the container listens");
    port.protocol = read_protocol(fields);
    check_port_type(fields);
    return port;
}

std::vector<container_port> read_port_list(json::array const& list, std::string_view path, findings& notes) {
    std::vector<container_port> ports;
    for (std::size_t i = 0; i < list.size() && !notes.is_full(); ++i) {
        auto const entry_path = path_of(path, i);
        auto const* object = expect_object(list[i], entry_path, notes);
        if (object == nullptr) continue;
        field_reader const fields(*object, entry_path, port_entry_rules, notes);
        auto port = read_port(fields);
        port.host_port = static_cast<std::uint16_t>(fields.integer("hostPort", port_range).value_or(0));
        ports.push_back(std::move(port));
    }
    return ports;
}

}  // namespace

void check_port_type(field_reader const& port) {
    auto const text = port.text("type");
    if (!text) return;
    auto const is = [&](std::string_view word) {
        return std::equal(text->begin(), text->end(), word.begin(), word.end(), [](char left, char right) {
            return std::tolower(static_cast<unsigned char>(left)) == std::tolower(static_cast<unsigned char>(right));
        });
    };
    if (is("clusterIP") || is("nodePort") || is("loadBalancer")) return;
    port.notes().problem(port.path_of("type"), fmt::format("'{}' is not a type of port", shortened(*text)),
                         "use clusterIP, nodePort or loadBalancer");
}

std::vector<container_port> read_ports(field_reader const& container) {
    auto const* ports = container.find("ports");
    auto const* network = container.find("network");
    if (ports != nullptr && network != nullptr)
        container.notes().problem(container.path_of("network"), "says the same as ports", "keep one of the two");
    auto const* found = ports != nullptr ? ports : network;
    if (found == nullptr) return {};
    auto const path = container.path_of(ports != nullptr ? "ports" : "network");
    if (auto const* list = found->if_array()) return read_port_list(*list, path, container.notes());
    auto const* object = expect_object(*found, path, container.notes());
    if (object == nullptr) return {};
    field_reader const fields(*object, path, port_object_rules, container.notes());
    return {read_port(fields)};
}

}  // namespace rik::detail
