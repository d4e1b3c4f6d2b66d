#include "network/linux/flows_detail.hpp"

#include <netinet/in.h>

namespace rik::detail {

namespace {

std::uint8_t number_of(port_protocol protocol) { return protocol == port_protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP; }

bool is_redirected(flow const& which) {
    return which.there.destination != which.back.source || which.there.destination_port != which.back.source_port;
}

/// Somebody talks over it: to forget it would break that.
bool is_connection(flow const& which) { return which.protocol == IPPROTO_TCP && which.is_assured; }

bool is_multicast(std::uint32_t address) { return address >> 28 >= 0xe; }

}  // namespace

flow_filter filter_for(port_mapping const& port) {
    return {.protocol = number_of(port.protocol), .destination_port = port.host_port};
}

bool misses(flow const& which, port_mapping const& port) {
    if (which.is_in_zone || which.protocol != number_of(port.protocol)) return false;
    if (which.there.destination_port != port.host_port) return false;
    if (which.back.source == port.address && which.back.source_port == port.port) return false;
    return is_redirected(which) || !is_connection(which);
}

bool concerns(flow const& which, std::uint32_t address) {
    if (which.is_in_zone) return false;
    return which.there.source == address || which.there.destination == address || which.back.source == address ||
           which.back.destination == address;
}

bool is_unmasked(flow const& which, firewall_rules const& rules) {
    if (which.is_in_zone || is_connection(which) || is_redirected(which)) return false;
    if (!rules.pod_subnet.contains(which.there.source) || which.back.destination != which.there.source) return false;
    return !rules.cluster_cidr.contains(which.there.destination) && !is_multicast(which.there.destination);
}

}  // namespace rik::detail
