// The roles of this process, however they are linked.
#pragma once

#include "options.hpp"

#include <memory>

namespace rik::app {

class role_process {
public:
    virtual ~role_process() = default;
    /// Null without a primary.
    virtual operations* api() = 0;
    virtual awaitable<role_health> health() = 0;
    virtual awaitable<error> failure() = 0;
    virtual awaitable<> stop() = 0;
};

/// Errors: those of local_cluster::open, or local_roles::open.
awaitable<result<std::unique_ptr<role_process>>> open_roles(asio::any_io_executor executor, options const& chosen,
                                                            log out);

}  // namespace rik::app
