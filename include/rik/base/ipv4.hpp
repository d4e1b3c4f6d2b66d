// IPv4 addresses and subnets: pure.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik {

/// "10.210.3.0/24". The address is the network's, without host bits.
class ipv4_subnet {
public:
    /// Errors: invalid, not ADDRESS/BITS, or host bits are set.
    static result<ipv4_subnet> parse(std::string_view text);
    constexpr ipv4_subnet(std::uint32_t network, unsigned prefix_bits) : network_(network), prefix_bits_(prefix_bits) {}

    std::uint32_t network() const { return network_; }
    unsigned prefix_bits() const { return prefix_bits_; }
    std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix_bits_); }
    bool contains(std::uint32_t address) const { return address - network_ < size(); }
    /// Cuts this subnet into parts of `part_prefix_bits` and returns part number `index`.
    /// Errors: exhausted, there is no such part.
    result<ipv4_subnet> part(std::uint64_t index, unsigned part_prefix_bits) const;
    /// The first host address: the gateway of a node's Pods.
    std::uint32_t gateway() const { return network_ + 1; }
    std::string text() const;

private:
    std::uint32_t network_;
    unsigned prefix_bits_;
};

/// Parses the address range of all Pods of a cluster. Each node gets a part of it with `node_prefix_bits`.
/// Errors: invalid, `text` is no subnet, is smaller than such a part, or has addresses that Pods cannot have.
/// Source: RFC 6890
result<ipv4_subnet> parse_cluster_cidr(std::string_view text, unsigned node_prefix_bits);

std::string ipv4_text(std::uint32_t address);
/// Errors: invalid.
result<std::uint32_t> parse_ipv4(std::string_view text);

}  // namespace rik
