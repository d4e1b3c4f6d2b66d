// The network of a node's Pods on Linux: a bridge, a veth pair for each Pod, one nftables table. ADR 0006 says why so.
#pragma once

#include <rik/base/log.hpp>
#include <rik/network/network.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace rik {

struct linux_network_options {
    std::string tag;  ///< short_tag of the state directory: it is in the name of all that this makes
    /// The same for all riks of the machine: the record of changed sysctls is in it. Made, and removed when empty.
    std::filesystem::path shared_dir = "/run/rik";
    /// A context that one thread runs, and that runs nothing else: the only thread that enters network namespaces.
    /// It must be in the node's own network namespace between two pieces of work.
    asio::any_io_executor namespace_executor;
    asio::any_io_executor pool_executor;  ///< any number of threads, for work that blocks
    /// Of the bridge and of all links. 0: that of the default route, followed by `repair` when it changes.
    std::uint32_t mtu = 0;
    log logger = {};
};

/// Speaks rtnetlink and nftables in process; starts no program. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN. Everything it
/// makes carries the tag, so several of them live on one machine, and needs no record to be found. The sysctls that
/// they share are put back by the last one that leaves.
///
/// Call it from one strand. Its executors must not run its work any more when it is destroyed, which leaves the kernel
/// as it is.
///
/// IPv4 only. A host port leads to its Pod from every local address, 127.0.0.1 included, and is held by a socket of
/// this process so that no other program takes it. Until the Pod has it, and when it is gone, connections are refused.
/// A FORWARD policy of drop in another table (Docker's) stops traffic that this table accepts: nftables has no way
/// around it.   Source: nft(8), "drop" ends the evaluation of all chains.
class linux_network final : public network {
public:
    /// Precondition: `tag` is eight hex digits.
    explicit linux_network(linux_network_options options);
    ~linux_network() override;

    /// Errors: as in network; invalid, `what` is not two subnets with the first in the second.
    awaitable<result<std::vector<lost_pod>>> open(node_network what, std::vector<pod_attachment> present) override;
    /// The same attachment again succeeds. Errors: as in network; invalid, the address is not of the node's subnet;
    /// unavailable, `open` has not succeeded. After an error the Pod has nothing.
    /// Cancel: what was done stays until `detach`.
    awaitable<result<void>> attach(pod_attachment pod) override;
    /// The Pod is off the network when this returns. Its link itself goes with its namespace, at the latest with one of
    /// the next detachments.
    awaitable<result<void>> detach(instance_id instance) override;
    /// Sees links, the bridge's address, the table's chains and rules, and sysctls; not the addresses inside of Pods,
    /// nor single host ports that were taken out of the table.
    awaitable<result<std::vector<lost_pod>>> repair() override;
    /// Works without `open` too, from the tag alone.
    awaitable<std::vector<instance_id>> list_cut_off(std::vector<instance_id> attached) override;
    awaitable<result<void>> remove_all() override;

private:
    class inner;
    std::unique_ptr<inner> inner_;
};

}  // namespace rik
