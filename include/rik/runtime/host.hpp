// The machine under a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/node.hpp>

namespace rik {

class host {
public:
    virtual ~host() = default;
    /// Returns the machine's name, boot id, addresses, labels and capacity. The node adds its runtimes.
    /// Errors: internal, /proc or /sys could not be read.
    virtual awaitable<result<node_facts>> describe() = 0;
};

}  // namespace rik
