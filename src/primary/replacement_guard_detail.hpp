// Stops replacing while the fault may be ours: no scheduler is there, no node is heard, or very many are not.
#pragma once

#include "cluster_state_detail.hpp"
#include "node_registry_detail.hpp"
#include "scheduler_absence_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/model/replacement_stop.hpp>

#include <cstdint>
#include <optional>

namespace rik::detail {

/// Why no instance is given up now, for however long its node has not been heard.
enum class replacement_hold : std::uint8_t {
    none,
    no_scheduler,   ///< nobody could hear a node
    no_node_heard,  ///< nothing could take the place of anything
    mass_absence,   ///< until a person says that the nodes are lost, or all are back
};

struct absence_rule {
    replacement_hold hold = replacement_hold::none;
    /// Before that nobody listened: a node counts as absent since then at the earliest.
    wall_time counted_from = {};
};

/// Use it from the primary's strand only.
class replacement_guard {
public:
    replacement_guard(clock& time, cluster_state& state, node_registry const& nodes, scheduler_absence const& scheduler,
                      log const& out)
        : time_(time), state_(state), nodes_(nodes), scheduler_(scheduler), out_(out) {}

    /// Nodes have come, gone, or changed their state.
    void look();
    /// Because of a mass absence, whatever else holds.
    bool is_stopped() const;
    absence_rule rule() const;
    static std::optional<replacement_stop> find(view const& in);
    /// A person says that those that are gone are lost. Durable when it returns. Errors: conflict, nothing is stopped.
    awaitable<result<replacement_stop>> lift();

private:
    result<void> put(std::optional<replacement_stop> const& next);

    clock& time_;
    cluster_state& state_;
    node_registry const& nodes_;
    scheduler_absence const& scheduler_;
    log const& out_;
};

}  // namespace rik::detail
