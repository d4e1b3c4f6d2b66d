#include "container_notes_detail.hpp"

#include <utility>

namespace rik::detail {

namespace {

constexpr duration probe_words_period = std::chrono::seconds(10);  // that of a probe of which nothing is said

}  // namespace

void container_notes::set_trouble(std::size_t unit, std::string reason, error const& why) {
    start_trouble now{std::move(reason), why.message};
    auto& mine = all_[unit];
    if (mine.trouble == now) return;
    pod_.on.out.error("a container cannot be started", {{"instance", pod_.mine->fields.name},
                                                        {"container", pod_.rules.units[unit].name},
                                                        {"reason", now.reason},
                                                        {"error", to_string(why)}});
    mine.trouble = std::move(now);
    pod_.look_again();
}

void container_notes::give_up(std::size_t unit) { set_not_started(pod_.status_of(unit), *all_[unit].trouble); }

void container_notes::start(std::size_t unit, container_start how) {
    all_[unit] = {.has_run = true, .is_ours = true};
    auto& status = pod_.status_of(unit);
    set_running(status, pod_.on.time.wall());
    status.machine = std::move(how.machine);
}

void container_notes::exit(std::size_t unit, container_exit const& how) {
    all_[unit].of_probes.clear();
    set_exited(pod_.status_of(unit), how);
}

void container_notes::mark_stopping(std::size_t unit, std::string_view cause) {
    auto& status = pod_.status_of(unit);
    if (status.state == container_state::running) set_stopping(status, cause);
}

/// Of two kinds that fail the first is told, and what it says in its newest words, but not in new ones with every
/// probe.
void container_notes::take_probe(std::size_t unit, probe_kind kind, std::string const& failure) {
    auto& mine = all_[unit];
    auto const now = pod_.on.time.now();
    auto const is_of_other = !mine.of_probes.empty() && mine.failed_probe != kind;
    auto const is_settled = failure.empty() && kind != probe_kind::readiness;  // that one may need more successes
    if (pod_.machine->is_ready(unit) || (is_settled && !is_of_other)) return mine.of_probes.clear();
    if (failure.empty() || is_of_other || mine.of_probes == failure) return;
    if (!mine.of_probes.empty() && now - mine.probe_said_at < probe_words_period) return;
    mine.of_probes = failure;
    mine.failed_probe = kind;
    mine.probe_said_at = now;
}

bool container_notes::have_mains_run() const {
    for (std::size_t i = 0; i < all_.size(); ++i)
        if (pod_.rules.units[i].role == unit_role::main && !all_[i].has_run) return false;
    return true;
}

void container_notes::settle() {
    auto const now = pod_.on.time.wall();
    for (std::size_t i = 0; i < all_.size(); ++i) {
        auto& status = pod_.status_of(i);
        detail::settle(status, outlook_of(i));
        if (status.ready && all_[i].is_ours) note_ready(status, now);
    }
}

container_outlook container_notes::outlook_of(std::size_t unit) const {
    auto const& machine = *pod_.machine;
    container_outlook made{.phase = machine.phase(unit), .restart_count = machine.restart_count(unit)};
    made.has_started = made.phase == unit_phase::running && machine.has_started(unit);
    made.is_ready = machine.is_ready(unit);
    made.has_its_turn = machine.has_its_turn(unit);
    auto const now = pod_.on.time.now();
    if (auto const at = machine.starts_at(unit); at && *at > now)
        made.starts_at = pod_.on.time.wall() + std::chrono::round<wall_time::duration>(*at - now);
    auto const& mine = all_[unit];
    if (made.has_its_turn || mine.has_run || made.phase != unit_phase::waiting) made.trouble = mine.trouble;
    made.note = machine.awaits_hook(unit) ? "has not started yet; its postStart hook runs" : mine.of_probes;
    return made;
}

}  // namespace rik::detail
