// Stops replacing while so many nodes are gone that the fault may be ours.
#pragma once

#include "cluster_state_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/model/replacement_stop.hpp>

#include <optional>

namespace rik::detail {

/// Use it from the primary's strand only.
class replacement_guard {
public:
    replacement_guard(clock& time, cluster_state& state, log const& out) : time_(time), state_(state), out_(out) {}

    /// Nodes have come, gone, or changed their state.
    void look();
    bool is_stopped() const;
    static std::optional<replacement_stop> find(view const& in);
    /// A person says that those that are gone are lost. Durable when it returns. Errors: conflict, nothing is stopped.
    awaitable<result<replacement_stop>> lift();

private:
    result<void> put(std::optional<replacement_stop> const& next);

    clock& time_;
    cluster_state& state_;
    log const& out_;
};

}  // namespace rik::detail
