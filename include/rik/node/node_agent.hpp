// The node role: runs the instances that are bound to this machine, and reports how they are.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/id.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/base/string_map.hpp>
#include <rik/link/batch.hpp>
#include <rik/link/link.hpp>
#include <rik/network/network.hpp>
#include <rik/runtime/host.hpp>
#include <rik/runtime/images.hpp>
#include <rik/runtime/prober.hpp>
#include <rik/runtime/runtime.hpp>
#include <rik/store/journal.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rik {

/// A runtime and the images that it runs. An instance names its runtime: see runtime_name.
struct node_runtime {
    runtime& containers;
    images& pulled;
};

/// What a node agent works with. All of it must outlive the agent.
struct node_ports {
    clock& time;
    entropy& random;
    journal& disk;
    connector<uplink_session>& scheduler;
    stream_dialer& streams;
    std::vector<node_runtime> runtimes;
    network& pods;
    host& machine;
    prober& probes;
    string_map missing_runtimes = {};  ///< see node_facts
};

struct node_options {
    std::string version = "0";
    log out = {};
    batch_limits batch = {};
    /// No container waits longer before it starts again, whatever its workload says.
    duration restart_delay_max = restart_delays().max;
};

/// The agent of one machine. Everything happens on `strand`. Instances outlive it: stopping or cancelling it stops no
/// container, and the next agent with the same disk takes them over.
class node_agent {
public:
    node_agent(asio::any_io_executor strand, node_ports ports, node_options options);
    /// Precondition: it was never started, `start` gave an error, or `stop` has returned.
    ~node_agent();

    /// Reads which instances this machine holds, takes over what still runs, removes what belongs to no instance, and
    /// starts. Await it on the strand. Errors: those of the journal, the host and the runtime; after an error nothing
    /// of the agent runs any more. Cancel: call `stop` then.
    awaitable<result<void>> start();
    /// Returns the cluster that this node has joined, in this process or before; nil if none. Call it on the strand.
    cluster_id cluster() const;
    /// Completes when the agent cannot go on because its disk cannot be written. Its owner must stop it then.
    awaitable<error> failure();
    /// Ready while it is connected to a scheduler and has no trouble. Call it on the strand.
    role_health health() const;
    /// Await it on the strand before destroying the agent. Cancel: waits for the end.
    awaitable<> stop();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
