// A whole cluster in virtual time: the real primary, scheduler and node agents on simulated machines, disks and links.
#pragma once

#include <rik/link/batch.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/primary/primary.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/sim/machine.hpp>
#include <rik/sim/world.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rik::sim {

struct cluster_options {
    std::size_t nodes = 1;
    std::int64_t cpu_milli_per_node = 4000;
    std::int64_t memory_per_node = std::int64_t{8} << 30;
    std::int64_t pods_per_node = 110;
    duration link_delay_max = {};   ///< every message takes up to this long, by seed
    duration flush_delay_max = {};  ///< every flush takes up to this longer, before and after it is durable, by seed
    placement_policy policy = default_policy();
    log out = {};
    duration unheard_after = limits::unheard_after;
    batch_limits batch = {};  ///< of all roles
    bool is_checked = true;   ///< false: nobody looks for violations, which takes more time than some roles do
    /// What nodes offer, by their index: "oci", "microvm". A node of which this says nothing offers both.
    std::vector<std::vector<std::string>> runtimes = {};
};

/// Every call runs on the world's one thread. Roles can be crashed (nothing that was not flushed survives) and started
/// again; machines can be powered off; links can be cut, or fall silent. A call that makes no sense (crash a role that
/// is not there, start one that is, ask a primary that has crashed) throws std::logic_error, which says why.
class cluster {
public:
    cluster(world& in, cluster_options options);
    /// Stops what still runs, in virtual time. It must not be destroyed from inside of a scenario.
    ~cluster();

    /// Starts all roles; returns when all nodes have joined.
    awaitable<> start();
    /// Stops the roles in order. Nothing is lost.
    awaitable<> stop();

    bool has_primary() const;
    operations& api();
    machine& node(std::size_t index);
    std::size_t node_count() const;

    awaitable<> crash_primary();
    awaitable<> start_primary();
    bool has_scheduler() const;
    awaitable<> crash_scheduler();
    awaitable<> start_scheduler();
    /// Another scheduler takes the place of the one that is there, which goes on: the primary says nothing to it any
    /// more, and it does not know. Nodes that are in session with it stay.
    void leave_scheduler_behind();
    /// The node dials the scheduler that was left behind, or (false) the other one.
    void dial_old_scheduler(std::size_t index, bool is_old);
    /// It stops, and nobody dials it any more.
    awaitable<> stop_old_scheduler();
    /// The agent dies, and containers run on.
    awaitable<> crash_node(std::size_t index);
    awaitable<> start_node(std::size_t index);
    /// The same. Errors: those of node_agent::start, and then the agent is not there.
    awaitable<result<void>> try_start_node(std::size_t index);
    /// The agent dies, and so does everything that runs on the machine.
    awaitable<> power_off(std::size_t index);
    /// Both ends notice, and nobody can dial until the link is mended. The node's streams end, too.
    void cut_link(std::size_t index);
    /// Neither end notices, and what is sent is lost. When the link is mended the node has to dial again.
    void silence_link(std::size_t index);
    void mend_link(std::size_t index);
    /// The same between primary and scheduler.
    void cut_primary_link();
    void silence_primary_link();
    void mend_primary_link();
    /// Every later flush of the primary fails with `why`. One that is under way may become durable all the same.
    void fail_primary_disk(error why);

    /// Waits until `is_true(api rows)` holds for all instances, looking again every 10 ms of virtual time.
    /// Throws std::runtime_error, with the state of all instances, if that takes longer than `limit`.
    awaitable<> until(std::function<bool(std::vector<stored<instance>> const&)> is_true,
                      duration limit = std::chrono::minutes(5));
    /// Makes a workload from `definition` (JSON or YAML), and `count` instances of it. Returns the workload's id.
    awaitable<workload_id> create(std::string definition, std::uint32_t count);

    /// Returns what a node has said last of all that it holds.
    held_digest said_digest(std::size_t index) const;
    /// Returns how many inventories were asked for so far.
    std::size_t inventory_count() const;

    /// Returns the first violations of the rules that must hold at every moment, one line each; empty if there are
    /// none. The rules are checked whenever a binding becomes durable, a container starts, or something ends:
    /// - An instance is started on one machine only, the one of its binding.
    /// - An instance that has anything on a machine has room there by the primary's journal, unless the machine was
    ///   declared dead when the instance was there.
    /// - When one more gets room, all together ask for no more than the machine has said that it offers (cpu, memory,
    ///   Pods, each host port once).
    /// - A workload has one release of each template, and a bare Pod in Kubernetes' form is there exactly as long as
    /// its
    ///   one instance.
    /// - A Function is started as a microVM and a Pod as containers, each on a node that offers that.
    /// - No two instances have the same chosen port, and none is bound without the one that it needs.
    /// - A Job has no more instances at once than its parallelism and one for each index, and has counted exactly what
    ///   has ended.
    /// - Of instances with the same identity (those of a StatefulSet with the same name, or the same index) one runs at
    ///   most, unless an operator has declared a node dead whose machine was on; and what was on a machine that was off
    ///   when its node was declared dead never starts again.
    /// - A CronJob has started no run twice, with Forbid none while another had not ended, and with Replace one alone.
    /// - No machine was asked for something impossible (see `machine`).
    /// - No Pod has failed except by itself, by its image, by a fault that was set, or because its machine lost power.
    /// Source: docs/architecture.md, "What holds everywhere"
    std::string const& violations() const;
    /// Returns how many releases are kept that nothing is made from, nor will be. They go by and by.
    std::size_t unused_releases_count() const;

private:
    struct primary_process;
    struct scheduler_process;
    struct node_process;
    class links;
    class checkers;

    world& world_;
    cluster_options options_;
    std::unique_ptr<links> links_;
    std::unique_ptr<checkers> checkers_;
    std::vector<std::unique_ptr<machine>> machines_;
    std::unique_ptr<primary_process> primary_;
    std::unique_ptr<scheduler_process> scheduler_;
    std::unique_ptr<scheduler_process> old_scheduler_;
    std::vector<std::unique_ptr<node_process>> nodes_;
};

/// A condition for `until`: there are `count` instances, and all of them run.
std::function<bool(std::vector<stored<instance>> const&)> all_running(std::size_t count);
/// A condition for `until`: there are no instances.
bool none_left(std::vector<stored<instance>> const& rows);

}  // namespace rik::sim
