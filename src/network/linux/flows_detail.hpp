// Connections that the kernel remembers (conntrack), and which of them lead packets astray: pure.
#pragma once

#include "network/linux/firewall_text_detail.hpp"

#include <cstdint>
#include <span>

namespace rik::detail {

/// The addresses and ports of one direction. A protocol without ports has zeros.
struct flow_way {
    std::uint32_t source = 0;
    std::uint32_t destination = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
};

/// An entry of the kernel's table. As long as it is there, its packets are translated as its first one was, whatever
/// the rules say now.
struct flow {
    std::uint8_t protocol = 0;  ///< IPPROTO_UDP
    flow_way there;             ///< as its first packet came
    flow_way back;              ///< as an answer comes: another one where addresses are translated
    bool is_assured = false;    ///< it has seen packets both ways; for TCP, a connection that is established
    bool is_in_zone = false;    ///< somebody keeps it apart from all others; never ours
};

/// What a search is narrowed to. 0: any.
struct flow_filter {
    std::uint8_t protocol = 0;
    std::uint32_t source = 0;            ///< of `there`
    std::uint16_t destination_port = 0;  ///< of `there`
    std::uint32_t answerer = 0;          ///< the source of `back`
};

flow_filter filter_for(port_mapping const& port);

/// True if it goes to the host port of `port`, if its destination is an address of this machine, and not to the Pod: it
/// began before the Pod had the port, or leads to the Pod that had it before. A TCP connection that a program of this
/// machine has with a client lives on.
bool misses(flow const& which, port_mapping const& port);

/// True if one of its ends is `address`.
bool concerns(flow const& which, std::uint32_t address);

/// True if it leaves the cluster under a Pod's own address, to which no answer comes: it began while the rules were
/// not there. Whether its destination is this machine, to which it may go, the caller looks up.
bool is_unmasked(flow const& which, firewall_rules const& rules);

}  // namespace rik::detail
