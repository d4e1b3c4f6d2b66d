// What nftables is told: pure.   Source: nft(8).
#pragma once

#include <rik/model/definition.hpp>
#include <rik/network/address_pool.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rik::detail {

/// A port of the node that leads to a port of a Pod.
struct port_mapping {
    port_protocol protocol = port_protocol::tcp;
    std::uint16_t host_port = 0;
    std::uint32_t address = 0;
    std::uint16_t port = 0;
};

struct firewall_rules {
    ipv4_subnet pod_subnet;
    ipv4_subnet cluster_cidr;
};

/// One transaction that makes the table anew, whatever was there.
std::string rebuild_text(std::string_view tag, firewall_rules const& rules, std::span<port_mapping const> mappings);
/// Precondition: `mappings` is not empty.
std::string add_text(std::string_view tag, std::span<port_mapping const> mappings);
/// Removes them, and succeeds too if they are not there. Precondition: `mappings` is not empty.
std::string remove_text(std::string_view tag, std::span<port_mapping const> mappings);
std::string remove_table_text(std::string_view tag);
std::string list_text(std::string_view tag);

}  // namespace rik::detail
