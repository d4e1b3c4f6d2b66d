// The interfaces of one node: its bridge, and a veth pair for each Pod. Blocking; for the namespace thread only.
#pragma once

#include "network/linux/default_route_detail.hpp"
#include "network/linux/names_detail.hpp"
#include "network/linux/netlink_detail.hpp"

#include <rik/network/address_pool.hpp>

#include <atomic>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// An interface as a dump shows it.
struct interface_view {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;  ///< "veth", "bridge", ...
    std::uint32_t group = 0;
    std::uint32_t master = 0;  ///< index of its bridge, 0 if it has none
    std::uint32_t mtu = 0;
    bool is_up = false;
};

/// What a Pod is connected by: a veth pair, or a tap.
struct pod_veth {
    std::string name;  ///< of the node's end
    std::filesystem::path network_namespace;
    std::uint32_t address = 0;
    bool is_tap = false;  ///< the other end is a machine
};

/// What a Pod calls its end.
inline constexpr std::string_view pod_interface = "eth0";

class node_interfaces {
public:
    explicit node_interfaces(std::string_view tag);

    /// Makes the bridge, with the gateway's address and nothing else, and sets it up.
    /// Errors: conflict, `subnet` overlaps an address of another interface; denied; internal.
    result<void> open_bridge(ipv4_subnet subnet);

    /// The largest packet that leaves the machine whole. Errors: denied; internal.
    result<std::uint32_t> default_route_mtu();
    /// Of the bridge and of what is attached from now on. What is there gets it from `apply_mtu`.
    void set_mtu(std::uint32_t mtu) { mtu_ = mtu; }
    /// From any thread.
    std::uint32_t mtu() const { return mtu_; }
    /// Gives the bridge and both ends of the interfaces of `pods` their MTU. Returns true if something had another one.
    /// A Pod whose namespace cannot be entered keeps what it has. Precondition: open_bridge.
    result<bool> apply_mtu(std::vector<pod_veth> const& pods);

    /// Deletes the Pod interfaces of this node that are not in `names`; puts the others (back) on the bridge.
    /// Returns the names of those. Precondition: open_bridge.
    result<std::set<std::string>> retain(std::set<std::string> const& names);

    /// False if the bridge, its address or one of the interfaces `names` is not as it was made. Precondition:
    /// open_bridge.
    result<bool> are_as_made(std::set<std::string> const& names);

    /// Returns the interfaces on a bridge of this node which is up and has the gateway's address, whoever made it.
    /// Those that are disconnected pass nothing on, and are not among them.
    result<std::set<std::string>> list_joined();

    /// Makes the pair with its far end as eth0 in the Pod's namespace, with address and default route. An interface of
    /// that name is replaced. Errors: unavailable, no open_bridge before; not_found, no such namespace; internal. After
    /// an error there is no such interface.
    result<void> attach(pod_veth const& pod);

    /// Cuts the interface off at once and leaves it to `sweep`, if its namespace does not take it along before.
    /// Nothing happens if there is no such interface.
    result<void> disconnect(std::string_view name);
    /// Deletes a tap. Nothing happens if there is none.
    result<void> remove_tap(std::string_view name) { return remove(name); }
    /// Deletes the disconnected interfaces. 30 ms for one or for a hundred of them, under the kernel's rtnl lock.
    result<void> sweep();

    /// Deletes all interfaces and the bridge.
    result<void> remove_all();

private:
    result<netlink_socket*> socket();
    result<std::vector<interface_view>> list();
    result<std::optional<interface_view>> find(std::string_view name);
    result<bool> has_gateway(std::uint32_t bridge);
    result<void> check_overlap(ipv4_subnet subnet);
    result<void> create_bridge();
    result<void> address_bridge();
    result<void> create_pair(pod_veth const& pod, int network_namespace);
    result<void> open_port(std::string_view name);
    bool apply_mtu(pod_veth const& pod, interface_view const& link);
    result<void> join_bridge(interface_view const& link);
    result<void> set_group(std::uint32_t index, std::uint32_t group);
    result<void> attach_tap(pod_veth const& pod);
    result<void> create_tap(pod_veth const& pod);
    result<void> remove(std::string_view name);

    std::string bridge_;
    interface_groups groups_;
    std::optional<netlink_socket> socket_;
    std::optional<ipv4_subnet> subnet_;
    std::uint32_t bridge_index_ = 0;
    std::atomic<std::uint32_t> mtu_ = usual_mtu;
};

}  // namespace rik::detail
