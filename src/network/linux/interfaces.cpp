#include "network/linux/interfaces_detail.hpp"

#include "network/linux/link_messages_detail.hpp"
#include "network/linux/namespaces_detail.hpp"

#include <rik/base/stray_thread.hpp>

#include <fmt/format.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

#include <arpa/inet.h>
#include <net/if.h>

namespace rik::detail {

namespace {

constexpr int attach_tries_max = 3;

interface_view read_interface(netlink_reply const& reply) {
    auto const attributes = reply.attributes<ifinfomsg>();
    return {.index = static_cast<std::uint32_t>(reply.body<ifinfomsg>().ifi_index),
            .name = attributes.text(IFLA_IFNAME),
            .kind = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND),
            .group = attributes.find_number(IFLA_GROUP).value_or(0),
            .master = attributes.find_number(IFLA_MASTER).value_or(0),
            .mtu = attributes.find_number(IFLA_MTU).value_or(0),
            .is_up = (reply.body<ifinfomsg>().ifi_flags & IFF_UP) != 0};
}

interface_address read_address(netlink_reply const& reply) {
    auto const body = reply.body<ifaddrmsg>();
    auto const address = reply.attributes<ifaddrmsg>().find_number(IFA_LOCAL).value_or(0);
    return {.index = body.ifa_index, .address = ntohl(address), .prefix_bits = body.ifa_prefixlen};
}

bool overlap(ipv4_subnet const& subnet, interface_address const& other) {
    auto const bits = std::min(subnet.prefix_bits(), other.prefix_bits);
    return bits == 0 || (subnet.network() ^ other.address) >> (32 - bits) == 0;
}

bool means_gone(netlink_failure const& failure) { return failure.number == ENODEV || failure.number == ENOENT; }

/// An answer, and nothing to do if what it was about has gone meanwhile.
result<void> unless_gone(netlink_result<void> const& answer, std::string_view object) {
    if (answer || means_gone(answer.error())) return {};
    return to_error(answer.error(), object);
}

/// What is inside the Pod: its address and the way out.
result<void> configure_pod(netlink_socket& inside, pod_veth const& pod, ipv4_subnet const& subnet) {
    auto const found = inside.ask(get_link(pod_interface));
    if (!found || found->empty())
        return to_error(found ? netlink_failure{ENODEV} : found.error(), "link eth0 of a Pod");
    auto const index = read_interface(found->front()).index;
    interface_address const own{.index = index, .address = pod.address, .prefix_bits = subnet.prefix_bits()};
    auto const up = inside.request(set_up(index));
    if (!up) return to_error(up.error(), "link eth0 of a Pod");
    auto const addressed = inside.request(new_address(own));
    if (!addressed) return to_error(addressed.error(), "address " + ipv4_text(pod.address));
    auto const routed = inside.request(new_default_route(subnet.gateway(), index));
    if (!routed) return to_error(routed.error(), "default route through " + ipv4_text(subnet.gateway()));
    return {};
}

}  // namespace

node_interfaces::node_interfaces(std::string_view tag) : bridge_(bridge_name(tag)), groups_(interface_groups_of(tag)) {}

result<netlink_socket*> node_interfaces::socket() {
    if (!socket_) {  // one that is there stays at home, wherever this thread is
        if (auto const here = stray_thread::check(); !here) return here.error();
        auto opened = netlink_socket::open();
        if (!opened) return opened.error();
        socket_.emplace(std::move(*opened));
    }
    return &*socket_;
}

result<std::vector<interface_view>> node_interfaces::list() {
    auto const socket = this->socket();
    if (!socket) return socket.error();
    auto const replies = (*socket)->ask(list_links());
    if (!replies) return to_error(replies.error(), "list of links");
    std::vector<interface_view> links;
    for (auto const& each : *replies) links.push_back(read_interface(each));
    return links;
}

result<std::optional<interface_view>> node_interfaces::find(std::string_view name) {
    auto const socket = this->socket();
    if (!socket) return socket.error();
    auto const reply = (*socket)->ask(get_link(name));
    if (!reply && means_gone(reply.error())) return std::optional<interface_view>();
    if (!reply) return to_error(reply.error(), fmt::format("link {}", name));
    if (reply->empty()) return std::optional<interface_view>();
    return std::optional<interface_view>(read_interface(reply->front()));
}

result<void> node_interfaces::open_bridge(ipv4_subnet subnet) {
    auto const socket = this->socket();
    if (!socket) return socket.error();
    subnet_ = subnet;
    auto const free = check_overlap(subnet);
    if (!free) return free.error();
    auto const created = create_bridge();
    if (!created) return created.error();
    auto const addressed = address_bridge();
    if (!addressed) return addressed.error();
    auto const up = (*socket)->request(set_up(bridge_index_));
    if (!up) return to_error(up.error(), "bridge " + bridge_);
    return {};
}

result<void> node_interfaces::check_overlap(ipv4_subnet subnet) {
    auto const links = list();
    if (!links) return links.error();
    auto const addresses = (*socket_).ask(list_addresses());
    if (!addresses) return to_error(addresses.error(), "list of addresses");
    for (auto const& reply : *addresses) {
        auto const address = read_address(reply);
        auto const link =
            std::find_if(links->begin(), links->end(), [&](auto const& each) { return each.index == address.index; });
        if (!overlap(subnet, address) || link == links->end() || link->name == bridge_) continue;
        return error{errc::conflict,
                     fmt::format("Pod subnet {}: in use by interface {} ({}/{})", subnet.text(), link->name,
                                 ipv4_text(address.address), address.prefix_bits),
                     "", "give the cluster another subnet"};
    }
    return {};
}

result<void> node_interfaces::create_bridge() {
    auto found = find(bridge_);
    if (!found) return found.error();
    if (!*found) {
        auto const created = socket_->request(new_bridge(bridge_, mac_of(subnet_->gateway())));
        if (!created) return to_error(created.error(), "bridge " + bridge_);
        found = find(bridge_);
        if (!found) return found.error();
    }
    if (!*found || (*found)->kind != "bridge")
        return error{errc::conflict, fmt::format("link {} is not a bridge", bridge_)};
    bridge_index_ = (*found)->index;
    return {};
}

result<void> node_interfaces::address_bridge() {
    interface_address const gateway{
        .index = bridge_index_, .address = subnet_->gateway(), .prefix_bits = subnet_->prefix_bits()};
    auto const addresses = socket_->ask(list_addresses());
    if (!addresses) return to_error(addresses.error(), "list of addresses");
    for (auto const& reply : *addresses) {
        auto const address = read_address(reply);
        auto const is_ours = address.address == gateway.address && address.prefix_bits == gateway.prefix_bits;
        if (address.index != bridge_index_ || is_ours) continue;
        auto const removed = socket_->request(delete_address(address));  // of a subnet that the node had before
        if (!removed && removed.error().number != EADDRNOTAVAIL) return to_error(removed.error(), "bridge " + bridge_);
    }
    auto const added = socket_->request(new_address(gateway));
    if (!added && added.error().number != EEXIST)
        return to_error(added.error(), "gateway address of bridge " + bridge_);
    return {};
}

result<std::set<std::string>> node_interfaces::retain(std::set<std::string> const& names) {
    auto const links = list();
    if (!links) return links.error();
    std::set<std::string> kept;
    for (auto const& each : *links) {
        if (each.group != groups_.live) continue;
        auto const stays = names.contains(each.name);
        auto const done = stays ? join_bridge(each) : set_group(each.index, groups_.disconnected);
        if (!done) return done.error();
        if (stays) kept.insert(each.name);
    }
    auto const swept = sweep();
    if (!swept) return swept.error();
    return kept;
}

result<bool> node_interfaces::are_as_made(std::set<std::string> const& names) {
    auto const links = list();
    if (!links) return links.error();
    std::size_t whole_count = 0;
    auto has_bridge = false;
    for (auto const& each : *links) {
        if (each.name == bridge_) has_bridge = each.index == bridge_index_ && each.is_up;
        if (names.contains(each.name)) whole_count += each.master == bridge_index_ && each.is_up ? 1 : 0;
    }
    if (!has_bridge || whole_count != names.size()) return false;
    return has_gateway(bridge_index_);
}

result<bool> node_interfaces::has_gateway(std::uint32_t bridge) {
    auto const addresses = socket_->ask(list_addresses());
    if (!addresses) return to_error(addresses.error(), "list of addresses");
    return std::any_of(addresses->begin(), addresses->end(), [&](auto const& reply) {
        auto const address = read_address(reply);
        return address.index == bridge && subnet_ && address.address == subnet_->gateway();
    });
}

result<std::set<std::string>> node_interfaces::list_joined() {
    auto const links = list();
    if (!links) return links.error();
    std::set<std::string> joined;
    auto const bridge = std::find_if(links->begin(), links->end(),
                                     [&](auto const& each) { return each.name == bridge_ && each.is_up; });
    if (bridge == links->end()) return joined;
    auto const leads_out = has_gateway(bridge->index);
    if (!leads_out) return leads_out.error();
    if (!*leads_out) return joined;
    for (auto const& each : *links)
        if (each.master == bridge->index && each.is_up && each.group != groups_.disconnected) joined.insert(each.name);
    return joined;
}

result<void> node_interfaces::join_bridge(interface_view const& link) {
    auto const object = fmt::format("link {}", link.name);
    if (link.master != bridge_index_ || !link.is_up) {  // this also sets it up
        auto const joined = socket_->request(set_master(link.index, bridge_index_));
        if (!joined) return unless_gone(joined, object);
    }
    return unless_gone(socket_->request(set_hairpin(link.index)), object);
}

result<void> node_interfaces::set_group(std::uint32_t index, std::uint32_t group) {
    return unless_gone(socket_->request(detail::set_group(index, group)), fmt::format("link number {}", index));
}

result<void> node_interfaces::remove(std::string_view name) {
    return unless_gone(socket_->request(delete_link(name)), fmt::format("link {}", name));
}

result<void> node_interfaces::create_pair(pod_veth const& pod, int network_namespace) {
    veth_pair const pair{.name = pod.name,
                         .bridge_index = bridge_index_,
                         .group = groups_.live,
                         .mtu = mtu_,
                         .peer_name = pod_interface,
                         .peer_mac = mac_of(pod.address),
                         .peer_namespace = network_namespace};
    for (int tries = 1;; ++tries) {
        auto const created = socket_->request(new_veth_pair(pair));
        if (created) return {};
        // Of a former namespace of this Pod, which is being removed or was left half done.
        auto const is_old = created.error().number == EEXIST && tries < attach_tries_max;
        if (!is_old) return to_error(created.error(), fmt::format("link {}", pod.name));
        auto const removed = remove(pod.name);
        if (!removed) return removed.error();
    }
}

result<void> node_interfaces::open_port(std::string_view name) {
    // A port forwards, and the bridge sends, once the kernel's link watch has seen that there is a carrier, up to a
    // second later. To ask for an interface makes it look at that interface now (rtnl_getlink, since Linux 6.8).
    auto const link = find(name);
    if (!link) return link.error();
    if (!*link) return error{errc::internal, fmt::format("link {}: vanished", name)};
    auto const hairpin = socket_->request(set_hairpin((*link)->index));
    if (!hairpin) return to_error(hairpin.error(), fmt::format("link {}", name));
    auto const bridge = find(bridge_);
    if (!bridge) return bridge.error();
    return {};
}

result<void> node_interfaces::attach(pod_veth const& pod) {
    if (!subnet_) return error{errc::unavailable, fmt::format("bridge {}: not there", bridge_)};
    if (pod.is_tap) return attach_tap(pod);
    auto const network_namespace = open_namespace(pod.network_namespace);
    if (!network_namespace) return network_namespace.error();
    auto const created = create_pair(pod, network_namespace->get());
    if (!created) return created.error();
    auto const finish = [&]() -> result<void> {
        auto inside = open_socket_in(*network_namespace);
        if (!inside) return inside.error();
        auto const configured = configure_pod(*inside, pod, *subnet_);
        if (!configured) return configured;
        return open_port(pod.name);
    };
    auto const finished = finish();
    if (!finished) (void)remove(pod.name);  // the first error is the one to tell
    return finished;
}

result<void> node_interfaces::disconnect(std::string_view name) {
    auto const link = find(name);
    if (!link) return link.error();
    if (!*link) return {};
    auto const grouped = set_group((*link)->index, groups_.disconnected);
    if (!grouped || (*link)->master == 0) return grouped;
    // Last, as any other change of an interface makes the bridge enable its port again (br_port_carrier_check).
    auto const cut = socket_->request(disable_port((*link)->index));
    auto const is_down = !cut && cut.error().number == ENETDOWN;  // passes nothing on anyway
    if (is_down) return {};
    return unless_gone(cut, fmt::format("link {}", name));
}

result<void> node_interfaces::sweep() {
    return unless_gone(socket_->request(delete_links(groups_.disconnected)), "links of Pods that are gone");
}

result<void> node_interfaces::remove_all() {
    auto const retained = retain({});
    if (!retained) return retained.error();
    subnet_.reset();
    return remove(bridge_);
}

}  // namespace rik::detail
