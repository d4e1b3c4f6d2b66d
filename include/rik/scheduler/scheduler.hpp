// The scheduler role: knows every node, proposes where instances go, relays between primary and nodes.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/link/batch.hpp>
#include <rik/link/link.hpp>
#include <rik/placement/placement.hpp>

#include <memory>

namespace rik {

/// What a scheduler works with. All of it must outlive the scheduler.
struct scheduler_ports {
    clock& time;
    acceptor<primary_session>& primaries;
    acceptor<node_session>& nodes;
};

struct scheduler_options {
    placement_policy policy = default_policy();
    log out = {};
    /// A node is reported as unheard so long after its last word. Nodes are told to beat three times as often.
    duration unheard_after = limits::unheard_after;
    batch_limits batch = {};
};

/// Keeps nothing that lasts: losing it loses nothing (protocol.md, section 2). Everything happens on `strand`.
class scheduler {
public:
    scheduler(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options);
    /// Precondition: it was never started, or `stop` has returned.
    ~scheduler();

    /// Call it on the strand.
    void start();
    /// Ends its sessions. Await it on the strand before destroying the scheduler.
    awaitable<> stop();
    /// Ready while a primary is connected and has told everything. Call it on the strand.
    role_health health() const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
