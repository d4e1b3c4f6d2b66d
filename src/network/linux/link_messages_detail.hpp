// The rtnetlink messages that a node's network is made of: pure.   Source: man 7 rtnetlink; linux/if_link.h.
#pragma once

#include "network/linux/names_detail.hpp"
#include "network/linux/netlink_detail.hpp"

#include <cstdint>
#include <string_view>

namespace rik::detail {

netlink_message list_links();
netlink_message get_link(std::string_view name);
netlink_message list_addresses();

/// Without spanning tree and its delays: a port forwards as soon as it is there. With a fixed MAC address: else a
/// bridge takes the lowest one of its ports and changes it under the Pods' ARP caches.
netlink_message new_bridge(std::string_view name, mac_address const& mac);
netlink_message set_up(std::uint32_t index);
netlink_message set_mtu(std::uint32_t index, std::uint32_t mtu);

struct veth_pair {
    std::string_view name;
    std::uint32_t bridge_index = 0;
    std::uint32_t group = 0;
    std::uint32_t mtu = 0;  ///< of both ends
    std::string_view peer_name;
    mac_address peer_mac{};
    int peer_namespace = -1;  ///< a descriptor
};
/// The near end is up and on the bridge. The far end cannot be up from the start: the kernel configures it before it
/// has a peer (ENOTCONN).
netlink_message new_veth_pair(veth_pair const& what);

netlink_message set_group(std::uint32_t index, std::uint32_t group);
netlink_message set_master(std::uint32_t index, std::uint32_t bridge_index);
/// Lets frames out of the port they came in by: a Pod that calls its own host port.
netlink_message set_hairpin(std::uint32_t index);
/// A bridge port that passes nothing on, in either direction, and that nobody is believed to be behind: the next owner
/// of the Pod's address has its MAC address too.
netlink_message disable_port(std::uint32_t index);

netlink_message delete_link(std::string_view name);
/// The kernel refuses group 0.
netlink_message delete_links(std::uint32_t group);

struct interface_address {
    std::uint32_t index = 0;
    std::uint32_t address = 0;
    unsigned prefix_bits = 0;
};
netlink_message new_address(interface_address const& what);
netlink_message delete_address(interface_address const& what);
/// The IPv4 routes of the main table.
netlink_message list_routes();
/// The route that a packet to `address` would take.
netlink_message get_route(std::uint32_t address);
netlink_message new_default_route(std::uint32_t gateway, std::uint32_t index);

}  // namespace rik::detail
