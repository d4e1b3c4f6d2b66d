// The port of the node at which a Function is reached whose definition names none.
#pragma once

#include "cluster_state_detail.hpp"

#include <rik/base/entropy.hpp>
#include <rik/base/result.hpp>

#include <cstdint>

namespace rik::detail {

/// Chooses ports; whoever asks commits the choice with the instance, without awaiting anything in between. Use it from
/// the primary's strand only.
class exposed_ports {
public:
    exposed_ports(entropy& random, cluster_state const& state) : random_(random), state_(state) {}

    /// A port that no instance has, no release names, and `commit` does not promise; 0 if `from` needs none.
    /// Errors: exhausted, all are taken.
    result<std::uint16_t> choose(instance_template const& from, transaction const& commit) const;
    /// The port of `row` if it is bound to `where` now: its own, but for one that something on that node has, because a
    /// later definition names it. Errors: exhausted, as `choose`.
    result<std::uint16_t> choose_on(candidate const& where, instance const& row, transaction const& commit) const;

private:
    entropy& random_;
    cluster_state const& state_;
};

}  // namespace rik::detail
