// The network of a node's Pods: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>
#include <rik/runtime/guest_network.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rik {

struct node_network {
    std::string pod_subnet;    ///< of this node: "10.210.3.0/24"; its first host address is the gateway
    std::string cluster_cidr;  ///< of all nodes: "10.210.0.0/16"
};

/// How an instance is connected to the node's network.
enum class pod_link : std::uint8_t {
    veth,  ///< by an interface in its network namespace
    tap    ///< by a tap of the node, which a machine opens. Its namespace has no interface
};

struct pod_attachment {
    instance_id instance;
    std::filesystem::path network_namespace;
    std::string address;                          ///< "10.210.3.7", in the node's Pod subnet
    std::vector<container_port> host_ports = {};  ///< entries with a host port
    pod_link link = pod_link::veth;
};

/// A Pod that could not be put (back) on the network.
struct lost_pod {
    instance_id instance;
    error why;  ///< not_found, invalid: its namespace is gone, and trying again is of no use
};

class network {
public:
    virtual ~network() = default;

    /// Makes the node's side (bridge, gateway address, rules, sysctls). Then makes sure that of the Pods exactly those
    /// of `present` have interfaces and rules: theirs are kept, and those of other Pods of this node are removed. It is
    /// idempotent; call it at every start. Returns those of `present` that have no network now; `attach` may give it to
    /// them later.
    /// Errors: conflict, the subnet is in use by another interface; denied; internal.
    virtual awaitable<result<std::vector<lost_pod>>> open(node_network what, std::vector<pod_attachment> present) = 0;
    /// Gives the Pod its interface, address and host ports.
    /// Errors: conflict, a host port is taken by another program or Pod; internal.
    virtual awaitable<result<void>> attach(pod_attachment pod) = 0;
    /// Returns what the machine behind a tap that is attached must know; nullopt for a Pod without one.
    virtual std::optional<guest_network> describe(instance_id instance) const = 0;
    /// Takes them away. Nothing happens if the Pod has none.
    virtual awaitable<result<void>> detach(instance_id instance) = 0;
    /// Checks whether everything that `open` and `attach` made is still there, makes anew what somebody else has
    /// removed or changed, and logs that. Returns the Pods that have no network now. It is cheap enough to be called
    /// every few seconds. Nothing happens before `open`. Errors: those of `open`.
    virtual awaitable<result<std::vector<lost_pod>>> repair() = 0;
    /// Returns those of `attached` that have no network now, as far as it can be seen, and changes nothing. This is for
    /// when `open` or `repair` has failed: what is there may go on working.
    virtual awaitable<std::vector<instance_id>> list_cut_off(std::vector<instance_id> attached) = 0;
    /// Removes everything of this node. Settings of the whole machine stay as they are.
    virtual awaitable<result<void>> remove_all() = 0;
};

}  // namespace rik
