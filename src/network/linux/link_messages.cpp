#include "network/linux/link_messages_detail.hpp"

#include <arpa/inet.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <initializer_list>

namespace rik::detail {

namespace {

constexpr unsigned make_new = NLM_F_CREATE | NLM_F_EXCL;

ifinfomsg link_of(std::uint32_t index = 0) {
    ifinfomsg link{};
    link.ifi_family = AF_UNSPEC;
    link.ifi_index = static_cast<int>(index);
    return link;
}

ifinfomsg link_that_is_up(std::uint32_t index = 0) {
    auto link = link_of(index);
    link.ifi_flags = IFF_UP;
    link.ifi_change = IFF_UP;
    return link;
}

struct port_attribute {
    std::uint16_t attribute;
    std::uint8_t value;
};

/// A change of the bridge port `index`.
netlink_message set_port(std::uint32_t index, std::initializer_list<port_attribute> values) {
    auto link = link_of(index);
    link.ifi_family = AF_BRIDGE;
    netlink_message message(RTM_SETLINK, 0, link);
    {
        netlink_message::nest const port(message, IFLA_PROTINFO);
        for (auto const& each : values) message.add(each.attribute, each.value);
    }
    return message;
}

ifaddrmsg address_message(interface_address const& what) {
    ifaddrmsg body{};
    body.ifa_family = AF_INET;
    body.ifa_prefixlen = static_cast<std::uint8_t>(what.prefix_bits);
    body.ifa_scope = RT_SCOPE_UNIVERSE;
    body.ifa_index = what.index;
    return body;
}

}  // namespace

netlink_message list_links() { return {RTM_GETLINK, NLM_F_DUMP, link_of()}; }

netlink_message get_link(std::string_view name) {
    netlink_message message(RTM_GETLINK, 0, link_of());
    message.add(IFLA_IFNAME, name);
    return message;
}

netlink_message list_addresses() {
    ifaddrmsg body{};
    body.ifa_family = AF_INET;
    return {RTM_GETADDR, NLM_F_DUMP, body};
}

netlink_message new_bridge(std::string_view name, mac_address const& mac) {
    netlink_message message(RTM_NEWLINK, make_new, link_of());
    message.add(IFLA_IFNAME, name);
    message.add(IFLA_ADDRESS, std::as_bytes(std::span(mac)));
    {
        netlink_message::nest const info(message, IFLA_LINKINFO);
        message.add(IFLA_INFO_KIND, std::string_view("bridge"));
        netlink_message::nest const data(message, IFLA_INFO_DATA);
        message.add(IFLA_BR_STP_STATE, std::uint32_t{0});
        message.add(IFLA_BR_FORWARD_DELAY, std::uint32_t{0});
    }
    return message;
}

netlink_message set_up(std::uint32_t index) { return {RTM_SETLINK, 0, link_that_is_up(index)}; }

netlink_message set_mtu(std::uint32_t index, std::uint32_t mtu) {
    netlink_message message(RTM_SETLINK, 0, link_of(index));
    message.add(IFLA_MTU, mtu);
    return message;
}

netlink_message new_veth_pair(veth_pair const& what) {
    netlink_message message(RTM_NEWLINK, make_new, link_that_is_up());
    message.add(IFLA_IFNAME, what.name).add(IFLA_MASTER, what.bridge_index).add(IFLA_GROUP, what.group);
    message.add(IFLA_MTU, what.mtu);
    {
        netlink_message::nest const info(message, IFLA_LINKINFO);
        message.add(IFLA_INFO_KIND, std::string_view("veth"));
        netlink_message::nest const data(message, IFLA_INFO_DATA);
        netlink_message::nest const peer(message, VETH_INFO_PEER);
        message.append(link_of());
        message.add(IFLA_IFNAME, what.peer_name).add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(what.peer_namespace));
        message.add(IFLA_ADDRESS, std::as_bytes(std::span(what.peer_mac))).add(IFLA_MTU, what.mtu);
    }
    return message;
}

netlink_message set_group(std::uint32_t index, std::uint32_t group) {
    netlink_message message(RTM_SETLINK, 0, link_of(index));
    message.add(IFLA_GROUP, group);
    return message;
}

netlink_message set_master(std::uint32_t index, std::uint32_t bridge_index) {
    netlink_message message(RTM_SETLINK, 0, link_that_is_up(index));
    message.add(IFLA_MASTER, bridge_index);
    return message;
}

netlink_message set_hairpin(std::uint32_t index) { return set_port(index, {{IFLA_BRPORT_MODE, 1}}); }

netlink_message disable_port(std::uint32_t index) {
    return set_port(index, {{IFLA_BRPORT_STATE, BR_STATE_DISABLED}, {IFLA_BRPORT_FLUSH, 1}});
}

netlink_message delete_link(std::string_view name) {
    netlink_message message(RTM_DELLINK, 0, link_of());
    message.add(IFLA_IFNAME, name);
    return message;
}

netlink_message delete_links(std::uint32_t group) {
    netlink_message message(RTM_DELLINK, 0, link_of());
    message.add(IFLA_GROUP, group);
    return message;
}

netlink_message new_address(interface_address const& what) {
    netlink_message message(RTM_NEWADDR, make_new, address_message(what));
    auto const hosts = what.prefix_bits == 0 ? ~0u : (1u << (32 - what.prefix_bits)) - 1;
    message.add(IFA_LOCAL, htonl(what.address)).add(IFA_ADDRESS, htonl(what.address));
    message.add(IFA_BROADCAST, htonl(what.address | hosts));
    return message;
}

netlink_message delete_address(interface_address const& what) {
    netlink_message message(RTM_DELADDR, 0, address_message(what));
    message.add(IFA_LOCAL, htonl(what.address));
    return message;
}

netlink_message list_routes() {
    rtmsg body{};
    body.rtm_family = AF_INET;
    body.rtm_table = RT_TABLE_MAIN;
    return {RTM_GETROUTE, NLM_F_DUMP, body};
}

netlink_message get_route(std::uint32_t address) {
    rtmsg body{};
    body.rtm_family = AF_INET;
    body.rtm_dst_len = 32;
    netlink_message message(RTM_GETROUTE, 0, body);
    message.add(RTA_DST, htonl(address));
    return message;
}

netlink_message new_default_route(std::uint32_t gateway, std::uint32_t index) {
    rtmsg route{};
    route.rtm_family = AF_INET;
    route.rtm_table = RT_TABLE_MAIN;
    route.rtm_protocol = RTPROT_BOOT;  // as ip(8) does
    route.rtm_scope = RT_SCOPE_UNIVERSE;
    route.rtm_type = RTN_UNICAST;
    netlink_message message(RTM_NEWROUTE, make_new, route);
    message.add(RTA_GATEWAY, htonl(gateway)).add(RTA_OIF, index);
    return message;
}

}  // namespace rik::detail
