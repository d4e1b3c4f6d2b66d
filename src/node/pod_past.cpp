#include "pod_past_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

bool has_run(found_container const& each) { return each.running || each.exit.has_value(); }

/// Does it tell of these units? That of an instance that is new tells of none.
bool fits(std::vector<container_status> const& containers, pod_rules const& rules) {
    return std::ranges::equal(containers, rules.units, {}, &container_status::name, &unit_rules::name);
}

}  // namespace

/// With what is said of it, so that one flush is enough for both. Of a Pod of which nothing has happened nothing need
/// be remembered.
void pod_past::remember() {
    auto const wall = pod_.on.time.wall();
    auto memory = encode_memory(pod_.rules, pod_.machine->remember(pod_.on.time.now()), wall);
    std::vector<unit_memory> const none(pod_.unit_count());
    if (pod_.mine->memory.empty() && memory == encode_memory(pod_.rules, none, wall)) return;
    pod_.on.records.keep_memory(*pod_.mine, std::move(memory));
}

std::vector<unit_memory> pod_past::recall() const {
    auto known = parse_memory(pod_.rules, pod_.mine->memory, pod_.on.time.wall());
    if (!known)
        pod_.on.out.warning("what was remembered of an instance is damaged; its delays begin anew",
                            {{"instance", pod_.mine->fields.name}});
    auto memory = known ? std::move(*known) : std::vector<unit_memory>(pod_.unit_count());
    auto const& containers = pod_.status().containers;
    for (std::size_t i = 0; i < memory.size() && i < containers.size(); ++i)
        take_attempt(memory[i], containers[i].restart_count);
    return memory;
}

void pod_past::fit_status() {
    auto& containers = pod_.status().containers;
    if (!fits(containers, pod_.rules)) containers = waiting_containers(pod_.spec());
}

/// Of a container that waits for its restart nothing may be left.
bool pod_past::has_remains() const {
    auto const& found = pod_.mine->found;
    if (!found || !found->is_whole) return false;
    auto const was_started = [](container_status const& each) {
        return each.state != container_state::waiting || each.restart_count > 0;
    };
    return std::ranges::any_of(found->containers, has_run) ||
           std::ranges::any_of(pod_.status().containers, was_started);
}

std::optional<instance_end> pod_past::find_end() {
    auto& status = pod_.status();
    auto const& found = pod_.mine->found;
    remains left{.was = status.state, .restart = pod_.spec().restart, .containers = {}};
    left.is_rebooted = pod_.mine->boot_id != pod_.on.facts.boot_id;
    if (found) read_found(*found, status.containers, pod_.on.time.wall());
    left.containers = status.containers;
    auto how = end_of(left);
    if (how && (left.is_rebooted || !found)) set_lost(status.containers, pod_.on.time.wall());
    return how;
}

void pod_past::take_over() {
    auto memory = recall();
    for (std::size_t i = 0; i < pod_.unit_count(); ++i)
        if (auto const* const seen = newest_in(i)) take_attempt(memory[i], seen->key.attempt);
    pod_.machine.emplace(pod_.rules, memory, pod_.on.time.now());
    if (pod_.mine->end || pod_.mine->is_condemned()) pod_.end();  // nothing starts again
    starts_.begin_in_old_sandbox();
    take_over_found();
    lose_vanished();
    clear_old_attempts();
    watch_.begin_disk_limits();
}

/// What runs comes first: the end of one may be the end of all.
void pod_past::take_over_found() {
    for (auto const is_running : {true, false})
        for (std::size_t i = 0; i < pod_.unit_count(); ++i)
            if (auto const* const seen = newest_in(i); seen != nullptr && seen->running == is_running)
                take_over_unit(i, *seen);
}

void pod_past::take_over_unit(std::size_t unit, found_container const& newest) {
    auto& status = pod_.status_of(unit);
    if (has_run(newest) || newest.key.attempt > 0) notes_.set_has_run(unit);
    auto const is_known = status.state == container_state::exited && status.restart_count == newest.key.attempt;
    if (pod_.machine->attempt(unit) != newest.key.attempt || is_known) return;
    if (!has_run(newest)) return starts_.take_half_made(unit, newest.key);
    auto const since = newest.started_at.value_or(pod_.on.time.wall());
    if (status.restart_count != newest.key.attempt || status.state != container_state::running) {
        if (status.state == container_state::exited) set_restarting(status);
        status.restart_count = newest.key.attempt;
        set_running(status, since);
        status.machine = newest.machine;
    }
    auto& machine = *pod_.machine;
    machine.found_running(unit, moment_of(since), pod_.on.time.now());
    if (newest.running) {
        if (!machine.is_ending() && !machine.ends(unit)) set_stopping_no_more(status);
        return watch_.begin(unit, newest.key.attempt);
    }
    watch_.take_exit(unit, newest.key.attempt, *newest.exit, moment_of(newest.exit->finished_at));
}

/// Those that are said to run, and are not here.
void pod_past::lose_vanished() {
    for (std::size_t i = 0; i < pod_.unit_count(); ++i) {
        auto const& status = pod_.status_of(i);
        if (status.state != container_state::waiting) notes_.set_has_run(i);
        auto const runs = pod_.machine->phase(i) == unit_phase::running;
        if (status.state != container_state::running || runs) continue;
        auto const now = pod_.on.time.now();
        pod_.machine->found_running(i, now, now);
        container_exit const lost{.code_known = false, .finished_at = pod_.on.time.wall()};
        watch_.take_exit(i, pod_.machine->attempt(i), lost, now);
    }
}

void pod_past::clear_old_attempts() {
    if (!pod_.mine->found) return;
    auto const& units = pod_.rules.units;
    for (auto const& each : pod_.mine->found->containers) {
        auto const unit = std::ranges::find(units, each.key.name, &unit_rules::name);
        if (unit == units.end()) continue;
        auto const newest = pod_.machine->attempt(static_cast<std::size_t>(unit - units.begin()));
        if (each.key.attempt < newest) watch_.remove(each.key);
    }
}

found_container const* pod_past::newest_in(std::size_t unit) const {
    return pod_.mine->found ? newest_of(*pod_.mine->found, pod_.rules.units[unit].name) : nullptr;
}

time_point pod_past::moment_of(wall_time when) const {
    return pod_.on.time.now() - std::max<duration>(pod_.on.time.wall() - when, duration());
}

}  // namespace rik::detail
