// What the kernel objects of one node are called: pure. Everything is derived, so nothing needs to be remembered.
#pragma once

#include <rik/base/id.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace rik::detail {

using mac_address = std::array<std::uint8_t, 6>;

/// "rk0123abcd". Names of interfaces have at most 15 characters (IFNAMSIZ).
std::string bridge_name(std::string_view tag);
/// "rv" and 13 hex digits of a hash of both: the node's end of a Pod's veth pair.
std::string pod_veth_name(std::string_view tag, instance_id instance);
/// "rt" and the same: a machine's tap.
std::string pod_tap_name(std::string_view tag, instance_id instance);
inline constexpr std::string_view tap_name_prefix = "rt";
std::string table_name(std::string_view tag);

/// Interface groups mark the Pods' interfaces as this node's, and let the kernel delete many at once: alone each takes
/// 30 ms.
struct interface_groups {
    std::uint32_t live;
    std::uint32_t disconnected;  ///< to be deleted
};
/// Precondition: `tag` is eight hex digits. Never 0, the group of everybody else's interfaces.
interface_groups interface_groups_of(std::string_view tag);

/// A locally administered MAC address that follows from the IPv4 address: whoever reuses the address is found under
/// what others have in their ARP caches.
mac_address mac_of(std::uint32_t address);
/// "0a:58:0a:d2:03:07"
std::string mac_text(mac_address const& mac);

}  // namespace rik::detail
