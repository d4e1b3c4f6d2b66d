// What follows when the wall clock is set: timers go by the other clock.
#pragma once

#include "workload_keeper_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>

#include <chrono>

namespace rik::detail {

/// How late it may be seen that the wall clock was set.
inline constexpr duration clock_look_period = std::chrono::minutes(1);

/// Has everything looked at anew when the wall clock was set, by a second or more. It never returns.
awaitable<> watch_wall_clock(clock& time, workload_keeper& keeper, log const& out);

}  // namespace rik::detail
