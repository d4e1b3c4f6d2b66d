// The machine under a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>

namespace rik {

/// What is in use on a machine.
struct machine_load {
    node_metrics metrics = {};
    disk_metrics of_state = {};  ///< the file system with the node's state
};

class host {
public:
    virtual ~host() = default;
    /// Returns the machine's name, boot id, addresses, labels and capacity. The node adds its runtimes.
    /// Errors: internal, /proc or /sys could not be read.
    virtual awaitable<result<node_facts>> describe() = 0;
    /// Measures what is in use now; the processors since the call before. Errors: internal, likewise.
    virtual awaitable<result<machine_load>> measure() = 0;
};

}  // namespace rik
