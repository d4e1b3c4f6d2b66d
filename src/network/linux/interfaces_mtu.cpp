// The size of packets on the interfaces of one node.
#include "network/linux/interfaces_detail.hpp"
#include "network/linux/link_messages_detail.hpp"
#include "network/linux/namespaces_detail.hpp"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>

namespace rik::detail {

namespace {

/// The Pod's own end. False if it cannot be reached.
bool set_far_end(pod_veth const& pod, std::uint32_t mtu) {
    auto const network_namespace = open_namespace(pod.network_namespace);
    if (!network_namespace) return false;
    auto inside = open_socket_in(*network_namespace);
    if (!inside) return false;
    auto const found = inside->ask(get_link(pod_interface));
    if (!found || found->empty()) return false;
    auto const index = static_cast<std::uint32_t>(found->front().body<ifinfomsg>().ifi_index);
    return inside->request(set_mtu(index, mtu)).has_value();
}

}  // namespace

result<std::uint32_t> node_interfaces::default_route_mtu() {
    auto const all = list();
    if (!all) return all.error();
    std::map<std::uint32_t, std::uint32_t> mtus;
    for (auto const& each : *all) mtus.emplace(each.index, each.mtu);
    auto const ways = list_ways_out();
    if (!ways) return to_error(ways.error(), "list of routes");
    return mtu_of(*ways, mtus);
}

result<bool> node_interfaces::apply_mtu(std::vector<pod_veth> const& pods) {
    auto const all = list();
    if (!all) return all.error();
    bool is_changed = false;
    for (auto const& link : *all) {
        if (link.mtu == mtu_) continue;
        auto const pod =
            std::find_if(pods.begin(), pods.end(), [&](auto const& each) { return each.name == link.name; });
        if (pod != pods.end()) is_changed |= apply_mtu(*pod, link);
        if (link.index != bridge_index_) continue;
        auto const set = socket_->request(detail::set_mtu(link.index, mtu_));
        if (!set) return to_error(set.error(), fmt::format("bridge {}: MTU {}", bridge_, mtu_));
        is_changed = true;
    }
    return is_changed;
}

/// The receiving end of a veth pair drops what is larger than it takes: what sends less is set first.
bool node_interfaces::apply_mtu(pod_veth const& pod, interface_view const& link) {
    // A machine was told its own when it started; more than it takes it would not be sent.
    if (pod.is_tap) return socket_->request(detail::set_mtu(link.index, mtu_)).has_value();
    auto const shrinks = mtu_ < link.mtu;
    if (shrinks && !set_far_end(pod, mtu_)) return false;
    if (!socket_->request(detail::set_mtu(link.index, mtu_))) return false;
    return shrinks || set_far_end(pod, mtu_);
}

}  // namespace rik::detail
