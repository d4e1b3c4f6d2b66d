// What is in use on the machine: told when it has changed, and so that nothing is placed on a machine that is full.
#include "impl_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

bool have_same_reasons(std::vector<node_trouble> const& one, std::vector<node_trouble> const& other) {
    return std::ranges::equal(one, other, {}, &node_trouble::reason, &node_trouble::reason);
}

}  // namespace

awaitable<> node_agent::impl::watch_load() {
    auto is_said = false;
    for (;;) {
        auto now = co_await ports_.machine.measure();
        if (now)
            take_load(std::move(*now));
        else if (!std::exchange(is_said, true))
            options_.out.error("what is in use on this machine cannot be measured",
                               {{"error", to_string(now.error())}});
        co_await ports_.time.sleep_for(limits::load_period);
    }
}

void node_agent::impl::take_load(machine_load now) {
    now.metrics.measured_at = ports_.time.wall();
    auto pressure = find_pressure(now.metrics, now.of_state);
    if (!have_same_reasons(pressure, pressure_)) {
        for (auto const& each : pressure)
            options_.out.warning("no new instances: the machine is full", {{"why", each.message}});
        pressure_ = std::move(pressure);
        settle_troubles();
    }
    auto const is_old = ports_.time.now() - load_told_at_ >= limits::load_report_period;
    if (load_ && !is_old && !differs_by_a_step(*load_, now.metrics)) return;
    load_ = now.metrics;
    load_told_at_ = ports_.time.now();
    load_is_due_ = true;
    due_.notify();
}

void node_agent::impl::settle_troubles() {
    facts_.troubles = pressure_;
    if (!network_problem_.empty())
        facts_.troubles.insert(facts_.troubles.begin(), {"NetworkNotReady", network_problem_});
    troubles_are_due_ = true;
    due_.notify();
}

}  // namespace rik
