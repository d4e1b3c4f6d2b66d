#include "load_watch_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

bool have_same_reasons(std::vector<node_trouble> const& one, std::vector<node_trouble> const& other) {
    return std::ranges::equal(one, other, {}, &node_trouble::reason, &node_trouble::reason);
}

awaitable<> load_watch::run() {
    auto is_said = false;
    for (;;) {
        auto now = co_await machine_.measure();
        if (now)
            take(std::move(*now));
        else if (!std::exchange(is_said, true))
            out_.error("what is in use on this machine cannot be measured", {{"error", to_string(now.error())}});
        co_await time_.sleep_for(limits::load_period);
    }
}

void load_watch::take(machine_load now) {
    now.metrics.measured_at = time_.wall();
    auto pressure = find_pressure(now.metrics, disk_metrics());  // of the disk says disk_watch what is to be said
    if (!have_same_reasons(pressure, pressure_)) {
        for (auto const& each : pressure)
            out_.warning("no new instances: the machine is full", {{"why", each.message}});
        pressure_ = std::move(pressure);
        listeners_.pressure_changed();
    }
    listeners_.room_measured(std::move(now.of_state));
    auto const is_old = time_.now() - told_at_ >= limits::load_report_period;
    if (told_ && !is_old && !differs_by_a_step(*told_, now.metrics)) return;
    told_ = now.metrics;
    told_at_ = time_.now();
    listeners_.is_due();
}

}  // namespace rik::detail
