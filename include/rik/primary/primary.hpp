// The primary role: keeps the state, serves operations, decides what should exist.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/id.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/link/batch.hpp>
#include <rik/link/link.hpp>
#include <rik/placement/placement.hpp>
#include <rik/primary/operations.hpp>
#include <rik/store/journal.hpp>

#include <memory>
#include <string>

namespace rik {

/// What a primary works with. All of it must outlive the primary.
struct primary_ports {
    clock& time;
    entropy& random;
    journal& disk;
    connector<scheduler_session>& scheduler;
    stream_listener& streams;
};

struct primary_options {
    std::string cluster_cidr = "10.210.0.0/16";
    unsigned node_prefix_bits = 24;
    /// What its commits check again; not necessarily what the scheduler proposes by.
    placement_policy policy = default_policy();
    log out = {};
    /// When no scheduler has been connected for so long, the primary says of every node that it is not heard.
    duration unheard_after = limits::unheard_after;
    batch_limits batch = {};
};

/// Role code runs on `strand`; the operations may be called from any thread, and must have returned, or been cancelled,
/// before the primary is destroyed. Watches and logs may outlive it.
class primary final : public operations {
public:
    primary(asio::any_io_executor strand, primary_ports ports, primary_options options);
    /// Precondition: it was never started, `start` gave an error, or `stop` has returned.
    ~primary() override;

    /// Opens the store and starts. Await it on the strand. Errors: those of store::open; invalid, the
    /// options: see parse_cluster_cidr. Then nothing was opened.
    awaitable<result<void>> start();
    /// The identity of the cluster, made at the first start. On the strand, after `start`.
    cluster_id cluster() const;
    /// Completes when the primary cannot go on: a flush has failed. Its owner stops it then.
    awaitable<error> failure();
    /// Ready as `ready` is. Call it on the strand.
    role_health health() const;
    /// Ends sessions and watches. Await it on the strand before destroying the primary.
    awaitable<> stop();

    workload_operations& workloads() override;
    upkeep_operations& upkeep() override;
    instance_operations& instances() override;
    node_operations& nodes() override;
    image_operations& images() override;
    usage_operations& usages() override;
    event_operations& events() override;
    tenant_operations& tenants() override;
    stream_operations& streams() override;
    awaitable<result<void>> ready() override;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
