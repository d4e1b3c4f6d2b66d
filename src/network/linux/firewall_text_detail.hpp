// What nftables is told: pure.   Source: nft(8).
#pragma once

#include "network/linux/names_detail.hpp"

#include <rik/model/definition.hpp>
#include <rik/network/address_pool.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// A port of the node that leads to a port of a Pod.
struct port_mapping {
    port_protocol protocol = port_protocol::tcp;
    std::uint16_t host_port = 0;
    std::uint32_t address = 0;
    std::uint16_t port = 0;
};

/// Who may speak behind a tap. What has another address, of either kind, is dropped as it enters the bridge, and so is
/// all that is neither IPv4 nor ARP.
struct guest_identity {
    std::string interface;
    mac_address mac{};
    std::uint32_t address = 0;
};

/// What the table has of single Pods.
struct firewall_entries {
    std::vector<port_mapping> ports = {};
    std::vector<guest_identity> guests = {};
};

struct firewall_rules {
    ipv4_subnet pod_subnet;
    ipv4_subnet cluster_cidr;
};

/// One transaction that makes the table anew, whatever was there. The one for guests is made only if there are some: it
/// is of the family "bridge", which not every kernel has.
std::string rebuild_text(std::string_view tag, firewall_rules const& rules, firewall_entries const& entries);
/// Precondition: `mappings` is not empty.
std::string add_text(std::string_view tag, std::span<port_mapping const> mappings);
/// Removes them, and succeeds too if they are not there. Precondition: `mappings` is not empty.
std::string remove_text(std::string_view tag, std::span<port_mapping const> mappings);
/// Precondition: `guests` is not empty, and the table for guests is there.
std::string add_guests_text(std::string_view tag, std::span<guest_identity const> guests);
/// The same.
std::string remove_guests_text(std::string_view tag, std::span<guest_identity const> guests);
std::string remove_table_text(std::string_view tag);
std::string remove_guest_table_text(std::string_view tag);
std::string list_text(std::string_view tag);
std::string list_guest_table_text(std::string_view tag);

}  // namespace rik::detail
