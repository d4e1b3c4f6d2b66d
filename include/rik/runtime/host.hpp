// The machine under a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>

#include <cstdint>
#include <string>

namespace rik {

/// What a file system has, and has free.
struct disk_room {
    std::string name;  ///< where it is, for people: "/var/lib/rik"
    std::int64_t total_bytes = 0;
    std::int64_t free_bytes = 0;   ///< for whoever is not root
    std::int64_t total_files = 0;  ///< 0: it does not count them
    std::int64_t free_files = 0;   ///< likewise
    friend bool operator==(disk_room const&, disk_room const&) = default;
};

/// What is in use on a machine.
struct machine_load {
    node_metrics metrics = {};
    disk_room of_state = {};  ///< the file system with the node's state
};

class host {
public:
    virtual ~host() = default;
    /// Returns the machine's name, boot id, addresses, labels and capacity. The node adds its runtimes.
    /// Errors: internal, /proc or /sys could not be read.
    virtual awaitable<result<node_facts>> describe() = 0;
    /// Measures what is in use now; the processors since the call before. Errors: internal, likewise.
    virtual awaitable<result<machine_load>> measure() = 0;
    /// Measures the file system with the node's state alone, which costs microseconds. Errors: internal, it could not
    /// be asked.
    virtual awaitable<result<disk_room>> measure_room() = 0;
};

}  // namespace rik
