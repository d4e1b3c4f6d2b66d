#include "clock_watch_detail.hpp"

#include <rik/base/time_text.hpp>

namespace rik::detail {

namespace {

/// What the clocks differ by stays the same until one of them is set.
duration difference_of(clock const& time) { return time.wall().time_since_epoch() - time.now().time_since_epoch(); }

}  // namespace

awaitable<> watch_wall_clock(clock& time, workload_keeper& keeper, log const& out) {
    constexpr duration noticed = std::chrono::seconds(1);
    auto before = difference_of(time);
    for (;;) {
        co_await time.sleep_for(clock_look_period);
        auto const now = difference_of(time);
        auto const by = now - before;
        if (std::chrono::abs(by) < noticed) continue;
        before = now;
        out.warning("the wall clock was set: all times are looked at anew",
                    {{by < duration() ? "back_by" : "forward_by", to_short_string(std::chrono::abs(by))}});
        keeper.look_at_all();
    }
}

}  // namespace rik::detail
