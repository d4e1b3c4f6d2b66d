// All roles in one process, for embedding: a primary, a scheduler and one node, linked by queues.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/base/string_map.hpp>
#include <rik/network/network.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/placement/placement.hpp>
#include <rik/primary/operations.hpp>
#include <rik/runtime/host.hpp>
#include <rik/runtime/images.hpp>
#include <rik/runtime/prober.hpp>
#include <rik/runtime/runtime.hpp>
#include <rik/store/journal.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rik {

/// What a cluster works with. All of it must outlive the cluster. `rik::all` has one adapter for each, sim/ another.
struct cluster_ports {
    clock& time;
    entropy& random;
    journal& primary_disk;
    journal& node_disk;
    runtime& containers;
    images& pulled;
    network& pods;
    host& machine;
    prober& probes;
    /// The strand of the node and its adapters. Null: the cluster makes one.
    asio::any_io_executor node_strand = {};
    std::vector<node_runtime> other_runtimes = {};  ///< that the node offers beside `containers`
    string_map missing_runtimes = {};               ///< see node_facts
};

struct cluster_options {
    std::string cluster_cidr = "10.210.0.0/16";
    placement_policy policy = default_policy();
    std::string version = "0";
    duration restart_delay_max = restart_delays().max;  ///< see node_options
    log out = warnings_to_standard_error();             ///< `log()` for silence
};

/// Each role has a strand of `executor`, which belongs to the embedding program and may have several threads. The calls
/// may be made from any thread. Instances outlive the cluster: the next one with the same disks takes them over.
class cluster {
public:
    cluster(asio::any_io_executor executor, cluster_ports ports, cluster_options options);
    /// Precondition: it was never started, `start` gave an error, or `stop` has returned.
    ~cluster();

    /// Errors: conflict, the node has joined another cluster than the primary's: one of their journals was replaced;
    /// invalid, cluster_cidr; those of the journals, the host and the runtime. Then nothing was started. Cancel: call
    /// `stop` then.
    awaitable<result<void>> start();
    /// Completes when a role cannot go on, with the reason; call `stop` then.
    awaitable<error> failure();
    /// Ends the roles. No instance is stopped. Cancel: waits for the end.
    awaitable<> stop();

    /// How the roles are: the first reason why one cannot do its work, and the numbers of all.
    awaitable<role_health> health();

    /// The operations that users may call. Valid while the cluster lives.
    operations& api();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
