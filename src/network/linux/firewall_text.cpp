#include "network/linux/firewall_text_detail.hpp"

#include "network/linux/names_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace rik::detail {

namespace {

std::string key_text(port_mapping const& mapping) {
    return fmt::format("{} . {}", mapping.protocol == port_protocol::tcp ? "tcp" : "udp", mapping.host_port);
}

std::string element_text(port_mapping const& mapping) {
    return fmt::format("{} : {} . {}", key_text(mapping), ipv4_text(mapping.address), mapping.port);
}

std::string elements_text(std::span<port_mapping const> mappings, std::string (*write)(port_mapping const&)) {
    std::vector<std::string> texts;
    for (auto const& each : mappings) texts.push_back(write(each));
    return fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

// `guard`: route_localnet lets the node talk to Pods from 127.0.0.1; without this rule it would let Pods reach what
// listens on the node's 127.0.0.1 too (CVE-2020-8558). Replies to the node are not hit: on the wire they go to the
// bridge's address.
// `leaving`: the third rule is for a Pod that calls a host port that leads to a Pod of this node: the reply must come
// back through the node, which alone can translate it.
// `sizes`: a route other than the default one (a tunnel) may take less than the Pods' interfaces, and whoever filters
// ICMP keeps the senders from learning it. The kernel only ever lowers the size that is announced.
// `to_node`: a machine is there because its guest is not trusted, so nothing of the node but its name server listens to
// it. Whose address it has, the table for guests has made sure of.
constexpr char const* chains = R"(  chain guard {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{bridge}" ip daddr 127.0.0.0/8 drop
  }}
  chain inbound {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local dnat ip to meta l4proto . th dport map @host_ports
  }}
  chain outbound {{
    type nat hook output priority -100; policy accept;
    fib daddr type local dnat ip to meta l4proto . th dport map @host_ports
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {pods} ip daddr != {cluster} masquerade
    ct status dnat ip saddr 127.0.0.0/8 oifname "{bridge}" masquerade
    ct status dnat ip saddr {pods} ip daddr {pods} masquerade
  }}
  chain sizes {{
    type filter hook forward priority mangle; policy accept;
    iifname "{bridge}" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    oifname "{bridge}" tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }}
  chain to_node {{
    type filter hook input priority filter; policy accept;
    iifname != "{bridge}" accept
    ip saddr != @machines accept
    ct state established,related accept
    meta l4proto icmp accept
    meta l4proto {{ tcp, udp }} th dport 53 accept
    drop
  }}
)";

// What guests send, as it enters the bridge, before that learns who is where. The taps of others are none of our
// business.
constexpr char const* guest_chain = R"(  chain identities {
    type filter hook prerouting priority dstnat; policy accept;
    iifname != @taps accept
    iifname . ether saddr . ip saddr @guests accept
    iifname . ether saddr . arp saddr ip @guests accept
    drop
  }
)";

std::string guest_text(guest_identity const& guest) {
    return fmt::format("\"{}\" . {} . {}", guest.interface, mac_text(guest.mac), ipv4_text(guest.address));
}

std::string guests_text(std::span<guest_identity const> guests) {
    std::vector<std::string> texts;
    for (auto const& each : guests) texts.push_back(guest_text(each));
    return fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

std::string taps_text(std::span<guest_identity const> guests) {
    std::vector<std::string> texts;
    for (auto const& each : guests) texts.push_back(fmt::format("\"{}\"", each.interface));
    return fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

std::string machines_text(std::span<guest_identity const> guests) {
    std::vector<std::string> texts;
    for (auto const& each : guests) texts.push_back(ipv4_text(each.address));
    return fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

std::string guest_table_text(std::string_view tag, std::span<guest_identity const> guests) {
    return fmt::format(
        "{}table bridge {} {{\n  set taps {{\n    type ifname\n    elements = {}\n  }}\n  set guests {{\n    type "
        "ifname . "
        "ether_addr . ipv4_addr\n    elements = {}\n  }}\n{}}}\n",
        remove_guest_table_text(tag), table_name(tag), taps_text(guests), guests_text(guests), guest_chain);
}

}  // namespace

std::string rebuild_text(std::string_view tag, firewall_rules const& rules, firewall_entries const& entries) {
    std::span<port_mapping const> const mappings(entries.ports);
    auto const elements =
        mappings.empty() ? "" : fmt::format("\n    elements = {}", elements_text(mappings, element_text));
    auto const body =
        fmt::format(chains, fmt::arg("bridge", bridge_name(tag)), fmt::arg("pods", rules.pod_subnet.text()),
                    fmt::arg("cluster", rules.cluster_cidr.text()));
    auto const machines =
        entries.guests.empty() ? "" : fmt::format("\n    elements = {}", machines_text(entries.guests));
    auto const table = fmt::format(
        "{}table ip {} {{\n  map host_ports {{\n    type inet_proto . inet_service : ipv4_addr . inet_service{}\n  "
        "}}\n  set machines {{\n    type ipv4_addr{}\n  }}\n{}}}\n",
        remove_table_text(tag), table_name(tag), elements, machines, body);
    return entries.guests.empty() ? table : table + guest_table_text(tag, entries.guests);
}

std::string add_guests_text(std::string_view tag, std::span<guest_identity const> guests) {
    return fmt::format(
        "add element bridge {0} taps {1}\nadd element bridge {0} guests {2}\nadd element ip {0} machines {3}\n",
        table_name(tag), taps_text(guests), guests_text(guests), machines_text(guests));
}

std::string remove_guests_text(std::string_view tag, std::span<guest_identity const> guests) {
    // As below: what is not there cannot be deleted.
    return add_guests_text(tag, guests) +
           fmt::format(
               "delete element bridge {0} taps {1}\ndelete element bridge {0} guests {2}\n"
               "delete element ip {0} machines {3}\n",
               table_name(tag), taps_text(guests), guests_text(guests), machines_text(guests));
}

std::string add_text(std::string_view tag, std::span<port_mapping const> mappings) {
    return fmt::format("add element ip {} host_ports {}\n", table_name(tag), elements_text(mappings, element_text));
}

std::string remove_text(std::string_view tag, std::span<port_mapping const> mappings) {
    // To delete what is not there is an error, and nft 1.0.6 has no "destroy": so it is added first.
    return add_text(tag, mappings) +
           fmt::format("delete element ip {} host_ports {}\n", table_name(tag), elements_text(mappings, key_text));
}

std::string remove_table_text(std::string_view tag) {
    return fmt::format("add table ip {0}\ndelete table ip {0}\n", table_name(tag));
}

std::string remove_guest_table_text(std::string_view tag) {
    return fmt::format("add table bridge {0}\ndelete table bridge {0}\n", table_name(tag));
}

std::string list_guest_table_text(std::string_view tag) {
    return fmt::format("list table bridge {}\n", table_name(tag));
}

std::string list_text(std::string_view tag) { return fmt::format("list table ip {}\n", table_name(tag)); }

}  // namespace rik::detail
