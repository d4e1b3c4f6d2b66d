#include <rik/network/address_pool.hpp>

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace rik {

namespace {

/// The addresses that Pods may have: [first, end).
struct host_range {
    std::uint64_t first;
    std::uint64_t end;
    bool contains(std::uint64_t address) const { return address >= first && address < end; }
};

host_range pod_addresses(ipv4_subnet const& subnet) {
    auto const first = std::uint64_t{subnet.network()} + 2;                // after the network and the gateway
    auto const end = std::uint64_t{subnet.network()} + subnet.size() - 1;  // before the broadcast address
    return {first, std::max(first, end)};
}

/// The first address of [from, end) that is not taken.
std::optional<std::uint32_t> find_free(std::set<std::uint32_t> const& taken, std::uint64_t from, std::uint64_t end) {
    if (from >= end) return std::nullopt;
    for (auto used = taken.lower_bound(static_cast<std::uint32_t>(from)); used != taken.end() && *used == from; ++used)
        ++from;
    if (from >= end) return std::nullopt;
    return static_cast<std::uint32_t>(from);
}

}  // namespace

address_pool::address_pool(ipv4_subnet subnet) : subnet_(subnet), last_(subnet.gateway()) {}

result<std::string> address_pool::allocate() {
    auto const hosts = pod_addresses(subnet_);
    auto found = find_free(used_, std::max(std::uint64_t{last_} + 1, hosts.first), hosts.end);
    if (!found) found = find_free(used_, hosts.first, hosts.end);
    if (!found)
        return error{errc::exhausted,
                     fmt::format("subnet {}: all {} addresses are taken", subnet_.text(), used_.size())};
    used_.insert(*found);
    last_ = *found;
    return ipv4_text(*found);
}

result<void> address_pool::reserve(std::string_view address) {
    auto const number = parse_ipv4(address);
    if (!number) return number.error();
    if (!pod_addresses(subnet_).contains(*number)) {
        return error{errc::invalid, fmt::format("address {} is not one for a Pod in {}", address, subnet_.text())};
    }
    if (!used_.insert(*number).second) return error{errc::conflict, fmt::format("address {} is taken", address)};
    last_ = std::max(last_, *number);  // after a restart too, an address is reused as late as possible
    return {};
}

void address_pool::free(std::string_view address) {
    if (auto const number = parse_ipv4(address)) used_.erase(*number);
}

}  // namespace rik
