#include "pod_machine_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::array probe_kinds{probe_kind::startup, probe_kind::readiness, probe_kind::liveness};

constexpr duration term_time_min = std::chrono::seconds(2);  // Source: Kubernetes, minimumGracePeriodInSeconds

constexpr std::size_t index_of(probe_kind kind) { return static_cast<std::size_t>(kind); }

bool restarts_after(restart_policy policy, unit_exit const& how) {
    if (policy == restart_policy::on_failure) return !how.is_success();
    return policy == restart_policy::always;
}

/// One that a probe ends has not done its work, whatever it exits with.   Source: Kubernetes, computePodActions
bool restarts_after(restart_policy policy, unit_end_cause cause) {
    if (cause == unit_end_cause::restart) return true;
    auto const is_by_probe = cause == unit_end_cause::startup || cause == unit_end_cause::liveness;
    return is_by_probe && policy != restart_policy::never;
}

}  // namespace

duration restart_delay(restart_delays const& by, std::uint32_t level) {
    if (level == 0) return {};
    auto delay = by.first;
    for (auto left = level - 1; left > 0 && delay < by.max; --left) delay *= 2;
    return std::min(delay, by.max);
}

pod_machine::pod_machine(pod_rules rules, time_point now) : pod_machine(std::move(rules), {}, now) {}

pod_machine::pod_machine(pod_rules rules, std::vector<unit_memory> const& memory, time_point now)
    : rules_(std::move(rules)), units_(rules_.units.size()) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto& mine = units_[i];
        mine.starts_at = now;
        if (i >= memory.size()) continue;
        auto const& was = memory[i];
        mine.attempt = was.attempt;
        mine.restart_count = was.restart_count;
        mine.delay_level = was.delay_level;
        mine.starts_at = now + was.waits;
        mine.has_started = was.has_started;
        mine.has_ever_started = was.has_ever_started;
        mine.is_ready = was.is_ready;
        mine.exit = was.exit;
        mine.is_hook_passed = was.is_hook_passed;
        mine.ends_for = was.ends_for;
        mine.is_restarting = was.is_restarting;
        if (!was.is_done) continue;
        mine.phase = unit_phase::done;
        if (rules_.units[i].role == unit_role::init && !(was.exit && was.exit->is_success())) has_failed_ = true;
    }
    finish_if_over(now);
}

std::vector<unit_memory> pod_machine::remember(time_point now) const {
    std::vector<unit_memory> memory;
    for (auto const& each : units_) {
        auto const waits = each.phase == unit_phase::waiting ? std::max(each.starts_at - now, duration()) : duration();
        auto const cause = each.ends ? each.ends->cause : each.ends_for;
        memory.push_back({each.attempt, each.restart_count, each.delay_level, waits, each.has_started,
                          each.has_ever_started, each.is_ready, each.phase == unit_phase::done, each.exit,
                          each.is_hook_passed, cause, each.is_restarting});
    }
    return memory;
}

/// A hook whose end is not known is run again.   Source: Kubernetes, "Container Lifecycle Hooks": at least once
void pod_machine::found_running(std::size_t unit, time_point since, time_point now) {
    auto const was = units_[unit];
    run(unit, since);
    auto& mine = units_[unit];
    mine.has_started = was.has_started;
    mine.is_ready = was.is_ready;
    mine.is_hook_passed = was.is_hook_passed || was.has_started;
    mine.hook_is_due = mine.hook_is_due && !mine.is_hook_passed;
    mine.is_restarting = was.is_restarting && was.ends_for == unit_end_cause::restart;
    if (was.ends_for != unit_end_cause::none) return end_unit(unit, was.ends_for, grace_after(unit, was.ends_for), now);
    settle_start(unit, since);
}

bool pod_machine::is_restarting() const {
    return std::ranges::any_of(units_,
                               [](auto const& each) { return each.is_restarting && each.phase != unit_phase::done; });
}

// What is done with an attempt

bool pod_machine::is_current(std::size_t unit, std::uint32_t attempt) const {
    return unit < units_.size() && units_[unit].attempt == attempt;
}

void pod_machine::begin_attempt(unit_state& of) {
    of.phase = unit_phase::starting;
    of.has_started = false;
    of.is_ready = false;
    of.hook_is_due = false;
    of.hook_runs = false;
    of.is_hook_passed = false;
    of.probes = {};
    of.ends.reset();
    of.ends_for = unit_end_cause::none;
}

void pod_machine::run(std::size_t unit, time_point since) {
    auto& mine = units_[unit];
    begin_attempt(mine);
    mine.phase = unit_phase::running;
    mine.started_at = since;
    mine.hook_is_due = rules_.units[unit].has_post_start;
}

/// Once its hook and its startup probe are passed, the other probes begin.
void pod_machine::settle_start(std::size_t unit, time_point now) {
    auto& mine = units_[unit];
    if (mine.phase != unit_phase::running || mine.hook_is_due || mine.hook_runs || mine.ends) return;
    auto const& startup = rules_.units[unit].probe(probe_kind::startup);
    if (!mine.has_started && startup) return begin_probe(unit, probe_kind::startup, now);
    mine.has_started = mine.has_ever_started = true;
    mine.probes[index_of(probe_kind::startup)] = {};
    begin_probe(unit, probe_kind::readiness, now);
    begin_probe(unit, probe_kind::liveness, now);
}

void pod_machine::begin_probe(std::size_t unit, probe_kind kind, time_point now) {
    auto const& rules = rules_.units[unit].probe(kind);
    auto& state = units_[unit].probes[index_of(kind)];
    if (rules && !state.next_at) state.next_at = std::max(now, units_[unit].started_at + rules->initial_delay);
}

void pod_machine::started(std::size_t unit, std::uint32_t attempt, time_point now) {
    if (!is_current(unit, attempt) || units_[unit].phase != unit_phase::starting) return;
    auto const ends = units_[unit].ends;  // it was told to end while it started
    run(unit, now);
    units_[unit].is_restarting = false;
    units_[unit].ends = ends;
    if (ends) units_[unit].hook_is_due = false;
    settle_start(unit, now);
}

void pod_machine::not_started(std::size_t unit, std::uint32_t attempt, time_point now) {
    if (!is_current(unit, attempt) || units_[unit].phase != unit_phase::starting) return;
    units_[unit].started_at = now;
    units_[unit].exit = unit_exit{};
    end_attempt(unit, rules_.units[unit].restart != restart_policy::never, now);
}

void pod_machine::exited(std::size_t unit, std::uint32_t attempt, unit_exit how, time_point now) {
    if (!is_current(unit, attempt)) return;
    auto const phase = units_[unit].phase;
    if (phase != unit_phase::running && phase != unit_phase::starting) return;
    units_[unit].exit = how;
    auto const& rules = rules_.units[unit];
    auto const is_passed = rules.role == unit_role::init && how.is_success();
    end_attempt(unit, !is_passed && restarts_after(rules.restart, how), now);
}

/// `restarts`: if nothing but itself has ended it.
void pod_machine::end_attempt(std::size_t unit, bool restarts, time_point now) {
    auto& mine = units_[unit];
    auto const ran_for = now - mine.started_at;
    auto const cause = mine.ends ? mine.ends->cause : unit_end_cause::none;
    auto const is_wanted = cause == unit_end_cause::restart;
    restarts = restarts || restarts_after(rules_.units[unit].restart, cause);
    begin_attempt(mine);
    mine.phase = unit_phase::done;
    if (rules_.units[unit].role == unit_role::init && !restarts && !mine.exit->is_success()) has_failed_ = true;
    if (restarts && !is_ending()) {
        if (is_wanted || ran_for >= rules_.delays.reset_after) mine.delay_level = 0;
        await_next_attempt(mine, now);
    }
    finish_if_over(now);
}

void pod_machine::await_next_attempt(unit_state& of, time_point now) {
    of.phase = unit_phase::waiting;
    of.starts_at = now + restart_delay(rules_.delays, of.delay_level);
    ++of.delay_level;
    ++of.attempt;
    ++of.restart_count;
}

// Probes and hooks

void pod_machine::probed(std::size_t unit, std::uint32_t attempt, probe_kind kind, std::optional<bool> success,
                         time_point now) {
    if (!is_current(unit, attempt) || units_[unit].phase != unit_phase::running) return;
    auto& mine = units_[unit];
    auto& state = mine.probes[index_of(kind)];
    auto const& rules = rules_.units[unit].probe(kind);
    if (!rules || !std::exchange(state.is_on_its_way, false) || mine.ends || !success) return;
    state.successes = *success ? state.successes + 1 : 0;
    state.failures = *success ? 0 : state.failures + 1;
    auto const is_passed = state.successes >= rules->success_threshold;
    auto const is_failed = state.failures >= rules->failure_threshold;
    if (kind == probe_kind::readiness) {
        if (is_passed) mine.is_ready = true;
        if (is_failed) mine.is_ready = false;
    } else if (is_failed) {
        auto const cause = kind == probe_kind::startup ? unit_end_cause::startup : unit_end_cause::liveness;
        end_unit(unit, cause, grace_after(unit, cause), now);
    } else if (kind == probe_kind::startup && is_passed) {
        mine.has_started = true;
        settle_start(unit, now);
    }
}

void pod_machine::hooked(std::size_t unit, std::uint32_t attempt, hook_kind kind, bool success, time_point now) {
    if (!is_current(unit, attempt) || units_[unit].phase != unit_phase::running) return;
    auto& mine = units_[unit];
    if (kind == hook_kind::pre_stop) {
        if (mine.ends) mine.ends->hook_runs = false;
        return;
    }
    if (!std::exchange(mine.hook_runs, false)) return;
    if (!success) return end_unit(unit, unit_end_cause::hook, rules_.grace, now);
    mine.is_hook_passed = true;
    settle_start(unit, now);
}

void pod_machine::stopped(std::size_t unit, std::uint32_t attempt, bool success, time_point now) {
    if (!is_current(unit, attempt)) return;
    auto& ends = units_[unit].ends;
    if (!ends || !ends->stop_began_at) return;
    auto const sending = now - *ends->stop_began_at;
    ends->kill_at = success ? ends->kill_at + sending : now;
    ends->kill_at_min = success ? ends->kill_at_min + sending : now;
    ends->stop_began_at.reset();
}

bool pod_machine::is_ready(std::size_t unit) const {
    auto const& mine = units_[unit];
    auto const& rules = rules_.units[unit];
    if (rules.role == unit_role::init) return mine.phase == unit_phase::done && mine.exit && mine.exit->is_success();
    auto const is_up = mine.phase == unit_phase::running && !mine.ends && mine.has_started;
    return is_up && (mine.is_ready || !rules.probe(probe_kind::readiness));
}

bool pod_machine::is_ready() const {
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (!is_ready(i)) return false;
    return !is_ending();
}

std::optional<time_point> pod_machine::starts_at(std::size_t unit) const {
    auto const& mine = units_[unit];
    if (mine.phase != unit_phase::waiting || mine.restart_count == 0) return std::nullopt;
    return mine.starts_at;
}

// The order of starts and ends

/// Has it come as far as it must for what comes after it?
bool pod_machine::is_passed(std::size_t unit) const {
    auto const& mine = units_[unit];
    switch (rules_.units[unit].role) {
        case unit_role::init: return mine.phase == unit_phase::done && mine.exit && mine.exit->is_success();
        case unit_role::sidecar: return mine.has_ever_started;
        case unit_role::main: return true;
    }
    return true;
}

bool pod_machine::may_start(std::size_t unit) const {
    if (is_ending() || units_[unit].phase != unit_phase::waiting) return false;
    for (std::size_t i = 0; i < unit; ++i)
        if (!is_passed(i)) return false;
    return true;
}

bool pod_machine::has_its_turn(std::size_t unit) const {
    return units_[unit].phase == unit_phase::starting || may_start(unit);
}

bool pod_machine::is_initialized() const {
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (!is_passed(i)) return false;
    return true;
}

bool pod_machine::hangs() const {
    return std::ranges::any_of(units_, [](auto const& each) { return each.ends && each.ends->kill_count > 1; });
}

bool pod_machine::is_over(unit_role role) const {
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (rules_.units[i].role == role && units_[i].phase != unit_phase::done) return false;
    return true;
}

/// A Pod whose main units have ended for good, or whose start has failed, ends.
void pod_machine::finish_if_over(time_point now) {
    if (is_ending()) return;
    if (has_failed_ || is_over(unit_role::main)) end(rules_.grace, now);
}

/// What is known of the unit is of the attempt before, if there was one.
void pod_machine::give_up_next_attempt(unit_state& of) {
    of.phase = unit_phase::done;
    if (of.restart_count == 0) return;
    --of.attempt;
    --of.restart_count;
}

void pod_machine::restart(time_point now) {
    if (is_ending()) return;
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto& mine = units_[i];
        if (mine.phase == unit_phase::waiting) {
            mine.delay_level = 0;
            mine.starts_at = std::min(mine.starts_at, now);
            mine.is_restarting = mine.restart_count > 0;
        }
        if (rules_.units[i].role == unit_role::init) continue;  // what it has done stays done
        if (mine.phase == unit_phase::done) {
            mine.delay_level = 0;
            mine.is_restarting = true;
            await_next_attempt(mine, now);
        }
        if (mine.phase != unit_phase::running) continue;
        mine.is_restarting = true;
        end_unit(i, unit_end_cause::restart, rules_.grace, now);
        mine.ends->cause = unit_end_cause::restart;  // also of one that was ending already
    }
}

void pod_machine::end(duration grace, time_point now) {
    auto const last = now + grace;
    ends_at_ = std::min(ends_at_.value_or(last), last);
    for (auto& each : units_) {
        if (each.phase == unit_phase::waiting) give_up_next_attempt(each);
        if (!each.ends) continue;
        each.ends->kill_at = std::max(std::min(each.ends->kill_at, *ends_at_), each.ends->kill_at_min);
        each.ends->is_at_once = each.ends->is_at_once || grace == duration();
    }
    is_at_once_ = is_at_once_ || grace == duration();
    end_in_order(now);
}

duration pod_machine::grace_after(std::size_t unit, unit_end_cause cause) const {
    auto const of = [&](probe_kind kind) {
        auto const& rules = rules_.units[unit].probe(kind);
        return rules ? rules->grace.value_or(rules_.grace) : rules_.grace;
    };
    if (cause == unit_end_cause::startup) return of(probe_kind::startup);
    return cause == unit_end_cause::liveness ? of(probe_kind::liveness) : rules_.grace;
}

void pod_machine::end_unit(std::size_t unit, unit_end_cause cause, duration grace, time_point now) {
    auto& mine = units_[unit];
    if (mine.ends || (mine.phase != unit_phase::running && mine.phase != unit_phase::starting)) return;
    auto const is_at_once = is_at_once_ || (!is_ending() && grace == duration());
    mine.ends = ending{.cause = cause, .kill_at = now + grace, .is_at_once = is_at_once};
    mine.is_ready = false;
    mine.hook_is_due = false;
    for (auto& each : mine.probes) each.next_at.reset();
    if (ends_at_) mine.ends->kill_at = std::min(mine.ends->kill_at, *ends_at_);
}

/// Main and init units at once; then the sidecars, the last one first, and all of them once the grace is used up.
/// Source: Kubernetes, "Sidecar Containers"
void pod_machine::end_in_order(time_point now) {
    auto const grace = *ends_at_ - now;
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (rules_.units[i].role != unit_role::sidecar) end_unit(i, unit_end_cause::none, grace, now);
    if (!is_over(unit_role::main) || !is_over(unit_role::init)) return;
    for (auto i = units_.size(); i-- > 0;) {
        if (rules_.units[i].role != unit_role::sidecar || units_[i].phase == unit_phase::done) continue;
        end_unit(i, unit_end_cause::none, grace, now);
        if (now < *ends_at_) return;
    }
}

std::optional<bool> pod_machine::outcome() const {
    if (!is_ending()) return std::nullopt;
    auto is_success = !has_failed_;
    for (std::size_t i = 0; i < units_.size(); ++i) {
        if (units_[i].phase != unit_phase::done) return std::nullopt;
        if (rules_.units[i].role != unit_role::main) continue;
        is_success = is_success && units_[i].exit && units_[i].exit->is_success();
    }
    return is_success;
}

// What is due

pod_action pod_machine::action(pod_action::what kind, std::size_t unit) const {
    return {.kind = kind, .unit = unit, .attempt = units_[unit].attempt};
}

std::vector<pod_action> pod_machine::take_due(time_point now) {
    std::vector<pod_action> due;
    if (is_ending()) end_in_order(now);
    start_due(now, due);
    hooks_due(due);
    probes_due(now, due);
    endings_due(now, due);
    return due;
}

void pod_machine::start_due(time_point now, std::vector<pod_action>& into) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        if (!may_start(i) || units_[i].starts_at > now) continue;
        begin_attempt(units_[i]);
        into.push_back(action(pod_action::what::start, i));
    }
}

void pod_machine::hooks_due(std::vector<pod_action>& into) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        if (!std::exchange(units_[i].hook_is_due, false)) continue;
        units_[i].hook_runs = true;
        into.push_back(action(pod_action::what::hook, i));
    }
}

void pod_machine::probes_due(time_point now, std::vector<pod_action>& into) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        for (auto const kind : probe_kinds) {
            auto& state = units_[i].probes[index_of(kind)];
            if (!state.next_at || *state.next_at > now || state.is_on_its_way) continue;
            state.is_on_its_way = true;
            state.next_at = std::max(*state.next_at + rules_.units[i].probe(kind)->period, now);
            into.push_back(action(pod_action::what::probe, i));
            into.back().probe = kind;
        }
    }
}

void pod_machine::endings_due(time_point now, std::vector<pod_action>& into) {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto const& mine = units_[i];
        if (!mine.ends || mine.phase != unit_phase::running) continue;  // what starts is ended once it has
        if (!mine.ends->stop_began_at) end_due(i, now, into);
    }
}

/// A hook that takes longer than the grace is not waited for, and there is always a moment between signal and kill.
void pod_machine::end_due(std::size_t unit, time_point now, std::vector<pod_action>& into) {
    auto& ends = *units_[unit].ends;
    auto const is_late = ends.kill_at <= now;
    if (is_late && (ends.is_told || ends.is_at_once)) {
        ends.kill_at = now + limits::kill_timeout;
        ends.is_told = true;
        ++ends.kill_count;
        return into.push_back(action(pod_action::what::kill, unit));
    }
    if (ends.is_told || (ends.hook_runs && !is_late)) return;
    auto const runs_hook = !is_late && rules_.units[unit].has_pre_stop && !std::exchange(ends.had_hook, true);
    ends.hook_runs = runs_hook;
    into.push_back(action(runs_hook ? pod_action::what::hook : pod_action::what::stop, unit));
    into.back().hook = hook_kind::pre_stop;
    if (runs_hook) return;
    ends.is_told = true;
    ends.stop_began_at = now;
    ends.kill_at_min = now + term_time_min;
    ends.kill_at = std::max(ends.kill_at, ends.kill_at_min);
}

std::optional<time_point> pod_machine::next_look() const {
    std::optional<time_point> next;
    auto const consider = [&](time_point at) { next = std::min(next.value_or(at), at); };
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto const& mine = units_[i];
        if (may_start(i)) consider(mine.starts_at);
        if (mine.ends && !mine.ends->stop_began_at && mine.phase == unit_phase::running) consider(mine.ends->kill_at);
        for (auto const& each : mine.probes)
            if (each.next_at && !each.is_on_its_way) consider(*each.next_at);
    }
    return next;
}

}  // namespace rik::detail
