// The network of a node's Pods on Linux: a bridge, a veth pair for each Pod, one nftables table. ADR 0006 says why so.
#pragma once

#include <rik/base/log.hpp>
#include <rik/network/network.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace rik {

struct linux_network_options {
    std::string tag;  ///< short_tag of the state directory; the names of all that this makes have it
    /// A context that runs on one thread and runs nothing else. That thread alone enters network namespaces. Between
    /// two pieces of work it must be in the node's own network namespace.
    asio::any_io_executor namespace_executor;
    asio::any_io_executor pool_executor;  ///< for work that blocks; any number of threads
    /// The MTU of the bridge and of all Pods' interfaces. 0: that of the default route; `repair` follows its changes.
    std::uint32_t mtu = 0;
    log logger = {};
};

/// Speaks rtnetlink and nftables in process, and starts no program. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN. The names of
/// everything it makes carry the tag, so that several of them can share one machine, and that everything can be found
/// without notes on the disk. It turns `net.ipv4.ip_forward` of the machine on, and leaves it on (ADR 16).
///
/// Call it from one strand. Destroying it leaves the kernel as it is; its executors must not run any of its work then.
///
/// IPv4 only. A host port leads to its Pod from every local address, 127.0.0.1 included. A socket of this process
/// occupies it, so that no other program can use it. Connections are refused before the Pod has the port and after the
/// Pod is gone. A FORWARD policy of drop in another table (Docker's) stops traffic that this table accepts, and
/// nftables has no way around that.   Source: nft(8), "drop" ends the evaluation of all chains.
class linux_network final : public network {
public:
    /// Precondition: `tag` is eight hex digits.
    explicit linux_network(linux_network_options options);
    ~linux_network() override;

    /// Errors: as in network; invalid, `what` is not two subnets with the first in the second.
    awaitable<result<std::vector<lost_pod>>> open(node_network what, std::vector<pod_attachment> present) override;
    /// Attaching a Pod again in the same way succeeds. Errors: as in network; invalid, the address is not of the node's
    /// subnet; unavailable, `open` has not succeeded. After an error the Pod has nothing.
    /// Cancel: what was done stays until `detach`.
    awaitable<result<void>> attach(pod_attachment pod) override;
    std::optional<guest_network> describe(instance_id instance) const override;
    /// The Pod is off the network when this returns. Its interface is deleted with its namespace, or at the latest with
    /// one of the next detachments.
    awaitable<result<void>> detach(instance_id instance) override;
    /// Checks interfaces, the bridge's address, the table's chains and rules, and sysctls. Does not see changes of
    /// addresses inside of Pods, nor single host ports that were removed from the table.
    awaitable<result<std::vector<lost_pod>>> repair() override;
    /// Works without `open` too, from the tag alone.
    awaitable<std::vector<instance_id>> list_cut_off(std::vector<instance_id> attached) override;
    awaitable<result<void>> remove_all() override;

private:
    class inner;
    std::unique_ptr<inner> inner_;
};

}  // namespace rik
