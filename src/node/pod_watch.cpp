#include "pod_watch_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

constexpr duration disk_look_period = std::chrono::seconds(10);

}  // namespace

void pod_watch::begin(std::size_t unit, std::uint32_t attempt) {
    tasks_.spawn(wait_for_end(unit, pod_.key_of(unit, attempt)));
}

awaitable<> pod_watch::wait_for_end(std::size_t unit, container_key key) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const ended = co_await pod_.containers->wait_container(key);
        if (ended || is_not_running(ended.error())) {
            container_exit const lost{.code_known = false, .finished_at = pod_.on.time.wall()};
            co_return take_exit(unit, key.attempt, ended ? *ended : lost, pod_.on.time.now());
        }
        auto problem = to_string(ended.error());
        if (problem != last_problem) log_problem(key, problem);
        last_problem = std::move(problem);
        co_await pod_.on.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

void pod_watch::log_problem(container_key const& key, std::string const& problem) const {
    pod_.on.out.warning("container cannot be watched; trying again",
                        {{"instance", pod_.mine->fields.name}, {"container", key.name}, {"error", problem}});
}

void pod_watch::take_exit(std::size_t unit, std::uint32_t attempt, container_exit const& how, time_point at) {
    auto& status = pod_.status_of(unit);
    auto& machine = *pod_.machine;
    if (machine.attempt(unit) != attempt || status.state != container_state::running) return;
    notes_.exit(unit, how);
    machine.exited(unit, attempt, {how.code_known ? std::optional(how.code) : std::nullopt}, at);
    pod_.look_again();
    if (machine.attempt(unit) != attempt) restart(unit, attempt);
}

void pod_watch::restart(std::size_t unit, std::uint32_t old_attempt) {
    set_restarting(pod_.status_of(unit));
    remove(pod_.key_of(unit, old_attempt));
}

void pod_watch::remove_outdated() {
    for (auto& each : std::exchange(outdated_, {})) tasks_.spawn(remove_attempt(std::move(each), pod_.mine->kept_at));
}

/// Beside the next attempt, so that it delays nothing.
awaitable<> pod_watch::remove_attempt(container_key key, revision remembered_at) {
    auto const on_disk = co_await pod_.on.disk.wait_durable(remembered_at);
    if (!on_disk) co_return;  // the agent stops
    auto const removed = co_await pod_.containers->remove_container(key);
    if (!removed)
        pod_.on.out.debug("an attempt was not removed; it goes with its Pod",
                          {{"instance", pod_.mine->fields.name}, {"error", to_string(removed.error())}});
}

void pod_watch::begin_disk_limits() {
    if (has_disk_limit(pod_.spec())) tasks_.spawn(look_at_disk());
}

awaitable<> pod_watch::look_at_disk() {
    for (;;) {
        co_await pod_.on.time.sleep_for(disk_look_period);
        if (!pod_.is_prepared) continue;
        std::vector<instance_id> only(1, pod_.mine->id());
        auto const used = co_await pod_.containers->measure_usage(std::move(only));
        auto how = used && !used->empty() ? find_overfull(pod_.spec(), used->front()) : std::nullopt;
        if (how) co_return pod_.fail(std::move(*how));
    }
}

}  // namespace rik::detail
