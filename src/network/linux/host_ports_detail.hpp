// Ports of the node that lead to Pods: who has which.
#pragma once

#include "network/linux/firewall_text_detail.hpp"
#include "network/linux/netlink_detail.hpp"

#include <rik/base/id.hpp>

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

/// The mappings that `host_ports`, entries with a host port, ask for.
std::vector<port_mapping> mappings_of(std::vector<container_port> const& host_ports, std::uint32_t address);

/// A socket that holds the port on every IPv4 address, so that no other program can listen there. Nothing gets in: what
/// comes before the firewall's rule or after it is refused by the kernel, as if nobody had the port. (A program that
/// asks for UDP on one device only still gets it there.) Empty if only connections have it, as each that goes out from
/// here has some port: what comes for them passes by the firewall's rule, so they are not in the Pod's way, but nothing
/// can be held meanwhile.
/// Errors: conflict, another program has the port; denied; internal.
result<descriptor> occupy_port(port_protocol protocol, std::uint16_t port);

/// The host ports of one node's Pods.
class port_table {
public:
    /// All of them or none. Errors: conflict, naming the port: another Pod or program has it; denied; internal.
    result<void> open(instance_id instance, std::vector<port_mapping> const& mappings);
    /// Like take, but a port that another program has is the Pod's all the same: it was running before.
    /// Returns those ports.
    std::vector<std::uint16_t> reopen(instance_id instance, std::vector<port_mapping> const& mappings);
    /// From now on they are not among `all`, and still nobody else's: until the firewall's rules are gone, too.
    std::vector<port_mapping> close(instance_id instance);
    void give_back(instance_id instance);
    /// What the firewall's map has, but for what is closed.
    std::vector<port_mapping> all() const;
    void clear() { ports_.clear(); }

private:
    using key = std::pair<port_protocol, std::uint16_t>;
    struct entry {
        instance_id owner;
        port_mapping mapping;
        descriptor occupier;
        bool is_closed = false;
    };
    std::optional<error> find_other(instance_id instance, port_mapping const& mapping) const;
    std::map<key, entry> ports_;
};

}  // namespace rik::detail
