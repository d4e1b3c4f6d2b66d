// What a machine must know of its network interface, which is made outside of it.
#pragma once

#include <cstdint>
#include <string>

namespace rik {

struct guest_network {
    std::string interface;     ///< of the node: the tap that the machine is connected to
    std::string address;       ///< "10.210.3.7"
    unsigned prefix_bits = 0;  ///< of its subnet
    std::string gateway;       ///< "10.210.3.1"
    std::string mac;           ///< "0a:58:0a:d2:03:07"; what comes from another one is dropped
    std::uint32_t mtu = 0;
    friend bool operator==(guest_network const&, guest_network const&) = default;
};

}  // namespace rik
