// What a pod_actor says of its instance.
#include "pod_actor_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

/// Everything that is said follows from what is known now; it is published if it has changed.
void pod_actor::tell() {
    auto& status = mine_->status();
    auto const before = status;
    for (std::size_t i = 0; i < units_.size(); ++i) rik::detail::settle(status.containers[i], outlook_of(i));
    if (!status.initialized_at && machine_->is_initialized()) status.initialized_at = on_.time.wall();
    on_.records.set_ready(*mine_, is_ready());
    auto const key = progress_key();
    if (std::exchange(progress_key_, key) != key) {
        if (status.state == instance_state::creating)
            tell_start();
        else
            tell_progress();
        on_.records.set_ready(*mine_, is_ready());
    }
    if (status != before) on_.records.publish(*mine_);
}

/// Precondition: it is being created.
void pod_actor::tell_start() {
    auto& status = mine_->status();
    if (!have_mains_run()) {
        auto said = start_trouble_of(status.containers);
        if (!said && is_prepared_) said = start_progress_of(status.containers);
        if (!said || mine_->end || mine_->is_condemned()) return;
        status.reason = std::move(said->reason);
        status.message = std::move(said->message);
        return;
    }
    status.state = instance_state::running;
    status.since = on_.time.wall();
    if (mine_->end) return;
    auto const took = to_short_string(on_.time.now() - began_at_);
    status.reason = "Started";
    status.message = all_run(status.containers)
                         ? fmt::format("all containers run, {} after the order{}", took, mine_->warnings)
                         : describe_progress(status.containers);
    on_.out.info("instance started", {{"instance", mine_->fields.name}, {"took", took}});
}

void pod_actor::tell_progress() {
    auto& status = mine_->status();
    if (mine_->end || mine_->network_lost || mine_->is_condemned() || status.reason == "NotRemoved") return;
    auto said = progress_of(status.containers);
    status.reason = std::move(said.reason);
    status.message = std::move(said.message);
}

/// Says that it is about to end, and to which containers that happens because of it. Precondition: mine_->end.
void pod_actor::tell_ending() {
    is_end_told_ = true;
    auto const& why = mine_->end->message;
    bool is_rest_stopped = false;
    for (auto& each : mine_->status().containers) {
        if (each.state != container_state::running) continue;
        set_stopping(each, "its Pod ends: " + why);
        is_rest_stopped = true;
    }
    on_.records.set_ready(*mine_, false);
    // Where nothing is left to stop the end itself follows at once, and what was said of the Pod stays until then.
    if (is_rest_stopped)
        on_.records.report(*mine_, mine_->status().state, "Ending", fmt::format("{}; the rest is being stopped", why));
    else
        on_.records.publish(*mine_);
}

void pod_actor::mark_stopping(std::size_t unit, std::string_view cause) {
    auto& status = status_of(unit);
    if (status.state == container_state::running) set_stopping(status, cause);
}

container_outlook pod_actor::outlook_of(std::size_t unit) const {
    auto const& machine = *machine_;
    container_outlook made{.phase = machine.phase(unit), .restart_count = machine.restart_count(unit)};
    made.has_started = made.phase == unit_phase::running && machine.has_started(unit);
    made.is_ready = machine.is_ready(unit);
    made.has_its_turn = machine.has_its_turn(unit);
    auto const now = on_.time.now();
    if (auto const at = machine.starts_at(unit); at && *at > now)
        made.starts_at = on_.time.wall() + std::chrono::round<wall_time::duration>(*at - now);
    auto const& mine = units_[unit];
    if (made.has_its_turn || mine.has_run || made.phase != unit_phase::waiting) made.trouble = mine.trouble;
    made.note = mine.note;
    return made;
}

bool pod_actor::is_ready() const {
    return mine_->status().state == instance_state::running && !mine_->network_lost && !mine_->end &&
           machine_->is_ready();
}

bool pod_actor::have_mains_run() const {
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (rules_.units[i].role == unit_role::main && !units_[i].has_run) return false;
    return true;
}

std::string pod_actor::progress_key() const {
    std::string key;
    for (auto const& each : mine_->fields.status.containers)
        key += fmt::format("{} {} {} {}\n", to_string(each.state), each.restart_count, each.reason,
                           each.state == container_state::waiting ? each.message : std::string());
    return key;
}

/// With what is said of it, so that one flush is enough for both. Of a Pod of which nothing has happened nothing need
/// be remembered.
void pod_actor::remember() {
    if (is_lost_) return;  // whoever goes on makes it anew, too
    auto const wall = on_.time.wall();
    auto memory = encode_memory(rules_, machine_->remember(on_.time.now()), wall);
    std::vector<unit_memory> const none(units_.size());
    if (mine_->memory.empty() && memory == encode_memory(rules_, none, wall)) return;
    on_.records.keep_memory(*mine_, std::move(memory));
}

void pod_actor::set_trouble(std::size_t unit, std::string reason, error const& why) {
    start_trouble now{std::move(reason), why.message};
    auto& mine = units_[unit];
    if (mine.trouble == now) return;
    on_.out.error("a container cannot be started", {{"instance", mine_->fields.name},
                                                    {"container", rules_.units[unit].name},
                                                    {"reason", now.reason},
                                                    {"error", to_string(why)}});
    mine.trouble = std::move(now);
    look_again();
}

}  // namespace rik::detail
