#include "network/linux/default_route_detail.hpp"

#include "network/linux/link_messages_detail.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <limits>

namespace rik::detail {

namespace {

/// The interfaces of a route with several next hops.   Source: man 7 rtnetlink, RTA_MULTIPATH
std::vector<std::uint32_t> links_of(std::span<std::byte const> hops) {
    std::vector<std::uint32_t> links;
    while (hops.size() >= sizeof(rtnexthop)) {
        rtnexthop hop;
        std::memcpy(&hop, hops.data(), sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.size()) break;
        links.push_back(static_cast<std::uint32_t>(hop.rtnh_ifindex));
        hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), hops.size()));
    }
    return links;
}

bool is_default_route(rtmsg const& route) {
    return route.rtm_dst_len == 0 && route.rtm_type == RTN_UNICAST && route.rtm_table == RT_TABLE_MAIN;
}

}  // namespace

std::vector<way_out> ways_of(netlink_reply const& route) {
    if (route.type() != RTM_NEWROUTE || !is_default_route(route.body<rtmsg>())) return {};
    auto const attributes = route.attributes<rtmsg>();
    way_out const way{.metric = attributes.find_number(RTA_PRIORITY).value_or(0),
                      .interface_index = attributes.find_number(RTA_OIF).value_or(0),
                      .mtu = attributes.nested(RTA_METRICS).find_number(RTAX_MTU).value_or(0)};
    auto const hops = attributes.find(RTA_MULTIPATH);
    if (!hops) return {way};
    std::vector<way_out> ways;
    for (auto const link : links_of(*hops)) {
        ways.push_back(way);
        ways.back().interface_index = link;
    }
    return ways;
}

std::uint32_t mtu_of(std::vector<way_out> const& ways, std::map<std::uint32_t, std::uint32_t> const& links) {
    auto lowest_metric = std::numeric_limits<std::uint32_t>::max();
    for (auto const& way : ways) lowest_metric = std::min(lowest_metric, way.metric);
    auto smallest = std::numeric_limits<std::uint32_t>::max();
    for (auto const& way : ways) {
        auto const link = links.find(way.interface_index);
        if (way.metric != lowest_metric || link == links.end()) continue;
        smallest = std::min(smallest, way.mtu == 0 ? link->second : std::min(way.mtu, link->second));
    }
    if (smallest == std::numeric_limits<std::uint32_t>::max()) return usual_mtu;
    return std::clamp(smallest, mtu_min, mtu_max);
}

netlink_result<std::vector<way_out>> list_ways_out() {
    auto socket = netlink_socket::open();
    if (!socket) return netlink_failure{EMFILE, socket.error().message};
    // Of one table the kernel lists the routes by their destinations, so that those to 0.0.0.0 come first: the rest, of
    // which a router has a million, is left unread.
    auto const routes = socket->be_strict() ? socket->ask_for_first(list_routes()) : socket->ask(list_routes());
    if (!routes && routes.error().number == ENOENT) return std::vector<way_out>{};  // the table is empty
    if (!routes) return routes.error();
    std::vector<way_out> ways;
    for (auto const& route : *routes) {
        auto const some = ways_of(route);
        ways.insert(ways.end(), some.begin(), some.end());
    }
    return ways;
}

}  // namespace rik::detail
