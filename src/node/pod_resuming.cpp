// Where an earlier agent, or nobody, left an instance.
#include "pod_actor_detail.hpp"
#include "requests_detail.hpp"

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

void pod_actor::fit_status() {
    auto& containers = mine_->status().containers;
    if (!fits(containers, rules_)) containers = waiting_containers(mine_->spec());
}

awaitable<> pod_actor::resume() {
    auto& status = mine_->status();
    fit_status();
    if (containers_ == nullptr) {
        std::string why = "its node has no runtime '" + std::string(runtime_name(mine_->spec().form)) + "'";
        on_.records.keep_end(*mine_, {instance_state::failed, "RuntimeMissing", std::move(why)});
        co_return;
    }
    if (mine_->end || has_remains()) {
        take_over();
        co_return mine_->end ? tell_ending() : tell_taken_over();
    }
    remains left{.was = status.state, .restart = mine_->spec().restart, .containers = {}};
    left.is_rebooted = mine_->boot_id != on_.facts.boot_id;
    if (mine_->found) read_found(*mine_->found, status.containers, on_.time.wall());
    left.containers = status.containers;
    auto how = end_of(left);
    if (how) {
        if (left.is_rebooted || !mine_->found) set_lost(status.containers, on_.time.wall());
        on_.records.keep_end(*mine_, std::move(*how));
        co_return tell_ending();
    }
    co_await begin_anew();
}

/// Its sandbox is there, and something in it has run. Of a container that waits for its restart nothing may be left.
bool pod_actor::has_remains() const {
    if (!mine_->found || !mine_->found->is_whole) return false;
    auto const was_started = [](container_status const& each) {
        return each.state != container_state::waiting || each.restart_count > 0;
    };
    return std::ranges::any_of(mine_->found->containers, has_run) ||
           std::ranges::any_of(mine_->fields.status.containers, was_started);
}

std::vector<unit_memory> pod_actor::recall() const {
    auto known = parse_memory(rules_, mine_->memory, on_.time.wall());
    if (!known)
        on_.out.warning("what was remembered of an instance is damaged; its delays begin anew",
                        {{"instance", mine_->fields.name}});
    auto memory = known ? std::move(*known) : std::vector<unit_memory>(units_.size());
    for (std::size_t i = 0; i < memory.size() && i < mine_->fields.status.containers.size(); ++i)
        take_attempt(memory[i], mine_->fields.status.containers[i].restart_count);
    return memory;
}

void pod_actor::take_over() {
    auto memory = recall();
    auto const newest = [&](std::size_t unit) {
        return mine_->found ? newest_of(*mine_->found, rules_.units[unit].name) : nullptr;
    };
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (auto const* const seen = newest(i)) take_attempt(memory[i], seen->key.attempt);
    machine_.emplace(rules_, memory, on_.time.now());
    if (mine_->end || mine_->is_condemned()) machine_->end(rules_.grace, on_.time.now());  // nothing starts again
    is_prepared_ = mine_->has_room;
    if (!is_prepared_) starting_.spawn(take_room());
    // What runs comes first: the end of one may be the end of all.
    for (auto const is_running : {true, false})
        for (std::size_t i = 0; i < units_.size(); ++i)
            if (auto const* const seen = newest(i); seen != nullptr && seen->running == is_running)
                take_over_unit(i, *seen);
    lose_vanished();
    clear_old_attempts();
    if (has_limited_volume(mine_->spec())) acts_.spawn(watch_volumes());
}

/// Nothing of it runs now, and the machine may have shrunk since something did.
awaitable<> pod_actor::take_room() {
    co_await on_.room.take(mine_);
    is_prepared_ = true;
    progressed_.notify();
}

void pod_actor::take_over_unit(std::size_t unit, found_container const& newest) {
    auto& status = status_of(unit);
    units_[unit].has_run = units_[unit].has_run || has_run(newest) || newest.key.attempt > 0;
    auto const is_known = status.state == container_state::exited && status.restart_count == newest.key.attempt;
    if (machine_->attempt(unit) != newest.key.attempt || is_known) return;
    if (!has_run(newest)) {
        units_[unit].leftover = newest.key;
        return;
    }
    auto const since = newest.started_at.value_or(on_.time.wall());
    if (status.restart_count != newest.key.attempt || status.state != container_state::running) {
        if (status.state == container_state::exited) set_restarting(status);
        status.restart_count = newest.key.attempt;
        set_running(status, since);
    }
    machine_->found_running(unit, moment_of(since));
    if (newest.running) return watching_.spawn(watch(unit, newest.key));
    take_exit(unit, newest.key.attempt, *newest.exit, moment_of(newest.exit->finished_at));
}

/// Those that are said to run, and are not here.
void pod_actor::lose_vanished() {
    for (std::size_t i = 0; i < units_.size(); ++i) {
        auto& status = status_of(i);
        if (status.state != container_state::waiting) units_[i].has_run = true;
        auto const runs = machine_->phase(i) == unit_phase::running;
        if (status.state != container_state::running || runs) continue;
        auto const now = on_.time.now();
        machine_->found_running(i, now);
        container_exit const lost{.code_known = false, .finished_at = on_.time.wall()};
        take_exit(i, machine_->attempt(i), lost, now);
    }
}

void pod_actor::clear_old_attempts() {
    if (!mine_->found) return;
    for (auto const& each : mine_->found->containers) {
        auto const unit = std::ranges::find(rules_.units, each.key.name, &unit_rules::name);
        if (unit == rules_.units.end()) continue;
        auto const newest = machine_->attempt(static_cast<std::size_t>(unit - rules_.units.begin()));
        if (each.key.attempt < newest) acts_.spawn(remove_attempt(each.key));
    }
}

void pod_actor::tell_taken_over() {
    auto& status = mine_->status();
    if (mine_->spec().has_host_network)
        status.addresses = addresses_on(on_.facts);
    else if (status.addresses.empty())
        mine_->network_lost = error{errc::conflict, "its address is not known any more"};
    std::string news = "runs on; a new agent watches it";
    if (!all_run(status.containers)) news += "; " + describe_progress(status.containers);
    began_at_ = on_.time.now();
    auto const is_up = status.state != instance_state::creating || have_mains_run();
    if (!is_up || machine_->is_ending()) return;
    for (std::size_t i = 0; i < units_.size(); ++i) rik::detail::settle(status.containers[i], outlook_of(i));
    progress_key_ = progress_key();
    status.state = instance_state::running;
    on_.records.set_ready(*mine_, is_ready());
    on_.records.report(*mine_, instance_state::running, "TakenOver", std::move(news));
}

/// From nothing, after what is left of it was removed.
awaitable<> pod_actor::begin_anew() {
    co_await stop_acting();
    auto& status = mine_->status();
    auto memory = made_anew(machine_ ? machine_->remember(on_.time.now()) : recall(), status.containers);
    auto const has_leftovers = is_prepared_ || mine_->found;
    if (has_leftovers) co_await remove_pod(instance_state::creating, leaving::nothing);
    set_lost(status.containers, on_.time.wall());
    for (auto& each : status.containers)
        if (each.state == container_state::exited) set_restarting(each);
    on_.room.give_back(*mine_);
    mine_->network_lost.reset();
    mine_->warnings.clear();
    is_prepared_ = false;
    units_ = std::vector<unit_notes>(units_.size());
    machine_.emplace(rules_, memory, on_.time.now());
    begin();
}

void pod_actor::begin() {
    on_.records.keep_boot(*mine_, on_.facts.boot_id);
    began_at_ = on_.time.now();
    // With the order, so that one flush is enough for both. As long as the subnet is not known, make_sandbox takes it.
    auto const early = mine_->spec().has_host_network || on_.pods.can_allocate() ? take_address() : std::nullopt;
    on_.records.report(*mine_, instance_state::creating, "Preparing", "its images are pulled and its containers made");
    starts_after_ = mine_->kept_at;
    for (std::size_t i = 0; i < units_.size(); ++i) {
        rik::detail::settle(status_of(i), outlook_of(i));
        begin_pull(i);
    }
    progress_key_ = progress_key();
    if (has_limited_volume(mine_->spec())) acts_.spawn(watch_volumes());
    starting_.spawn(prepare());
}

}  // namespace rik::detail
