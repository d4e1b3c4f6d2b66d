// The addresses of one node's Pods: pure.
#pragma once

#include <rik/base/ipv4.hpp>
#include <rik/base/result.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace rik {

/// The addresses of one subnet, without those of network, gateway and broadcast. It gives out the next free one after
/// the last, so that an address is reused as late as possible.
class address_pool {
public:
    explicit address_pool(ipv4_subnet subnet);
    ipv4_subnet const& subnet() const { return subnet_; }
    /// Returns an address that was free. Errors: exhausted, all are taken.
    result<std::string> allocate();
    /// Marks an address that is in use already. Errors: invalid, not of this subnet; conflict, it is taken.
    result<void> reserve(std::string_view address);
    void free(std::string_view address);

private:
    ipv4_subnet subnet_;
    std::uint32_t last_;
    std::set<std::uint32_t> used_;
};

}  // namespace rik
