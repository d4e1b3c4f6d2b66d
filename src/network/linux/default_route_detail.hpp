// The way out of the machine, as far as its packets' size goes.
#pragma once

#include "network/linux/netlink_detail.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace rik::detail {

/// Where nothing else is said: that of Ethernet.
inline constexpr std::uint32_t usual_mtu = 1500;
/// What a bridge and a veth interface can have.
inline constexpr std::uint32_t mtu_min = 68;
inline constexpr std::uint32_t mtu_max = 65535;

/// One way of an IPv4 default route.
struct way_out {
    std::uint32_t metric = 0;           ///< the lowest wins
    std::uint32_t interface_index = 0;  ///< an index
    std::uint32_t mtu = 0;              ///< of the route itself; 0: it has none
    friend bool operator==(way_out const&, way_out const&) = default;
};

/// The ways of a route with several next hops, one of any other default route, none of what is no default route.
std::vector<way_out> ways_of(netlink_reply const& route);

/// The largest packet that leaves the machine whole: of the ways with the lowest metric the smallest, since any of them
/// may be taken. `usual_mtu` without any. `links` has the MTU of each interface by its index.
std::uint32_t mtu_of(std::vector<way_out> const& ways, std::map<std::uint32_t, std::uint32_t> const& links);

/// The ways out of the calling thread's network namespace. Cheap, however many routes there are.
netlink_result<std::vector<way_out>> list_ways_out();

}  // namespace rik::detail
