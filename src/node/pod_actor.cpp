#include "pod_actor_detail.hpp"

#include <rik/async/deadline.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// The namespace is gone: no trying again brings the containers back on the network.
bool is_for_good(error const& lost) { return lost.code == errc::not_found || lost.code == errc::invalid; }

instance_end how_it_ended(std::vector<container_status> const& containers) {
    return end_of(containers).value_or(instance_end{instance_state::failed, "Error", "its containers have ended"});
}

}  // namespace

awaitable<result<void>> change_of(notifier& changed) {
    co_await changed.wait();
    co_return result<void>{};
}

node_runtime const* find_runtime(std::vector<node_runtime> const& all, std::string_view name) {
    auto const found = std::ranges::find(all, name, [](node_runtime const& each) { return each.containers.name(); });
    return found == all.end() ? nullptr : &*found;
}

pod_actor::pod_actor(node_instance_ptr mine, pod_context const& on)
    : mine_(std::move(mine)),
      on_(on),
      rules_(pod_rules_of(mine_->spec(), on.restart_delay_max)),
      units_(rules_.units.size()),
      one_by_one_(on.strand, 1),
      progressed_(on.strand),
      acts_(on.strand),
      watching_(on.strand),
      starting_(on.strand),
      life_(on.strand) {
    auto const* const under = find_runtime(on.runtimes, runtime_name(mine_->spec().form));
    if (under == nullptr) return;
    containers_ = &under->containers;
    images_ = &under->pulled;
}

awaitable<> pod_actor::stop() {
    co_await life_.stop();
    co_await stop_acting();
}

awaitable<> pod_actor::stop_acting() {
    co_await starting_.stop();
    co_await acts_.stop();
    co_await watching_.stop();
    is_mending_ = false;
}

/// What lives runs beside this, so that a destroy order can end that at any moment.
awaitable<> pod_actor::run() {
    if (!mine_->is_condemned()) life_.spawn(live());
    while (!mine_->is_condemned()) co_await mine_->changed.wait();
    co_await life_.stop();
    co_await leave();
}

awaitable<> pod_actor::live() {
    co_await on_.strays.wait_until_gone(mine_->id());
    if (is_finished(mine_->status().state)) co_return co_await stay_finished();
    co_await resume();
    for (;;) {
        co_await drive();
        if (!std::exchange(is_lost_, false)) break;
        co_await begin_anew();
    }
    auto const on_disk = co_await on_.disk.wait_durable(mine_->kept_at);
    if (!on_disk) co_return;  // the agent stops; the next one finds the containers as they are
    co_await settle();
    co_await stay_finished();
}

/// Wishes for what has ended are obeyed by saying that they were heard.
awaitable<> pod_actor::stay_finished() {
    for (;;) {
        auto& status = mine_->status();
        if (std::exchange(status.restarts, mine_->fields.restarts) != mine_->fields.restarts)
            on_.records.publish(*mine_);
        co_await mine_->due.wait();
    }
}

/// Until nothing of it runs or will, or what it has killed does not end.
awaitable<> pod_actor::drive() {
    while (machine_) {
        obey_wishes();
        look_at_network();
        for (auto const& each : machine_->take_due(on_.time.now())) act(each);
        look_at_end();
        if (machine_->is_ending()) co_await cancel_starts();
        tell();
        remember();
        if (machine_->outcome() || (machine_->is_ending() && machine_->hangs())) co_return;
        co_await wait_for_more();
    }
}

awaitable<> pod_actor::wait_for_more() {
    auto const next = machine_->next_look();
    if (!next) co_return co_await mine_->due.wait();
    auto changing = change_of(mine_->due);
    auto const changed = co_await with_deadline(on_.time, *next, std::move(changing));
    (void)changed;
}

/// What has not started yet never will. What has begun in the runtime is removed with the rest.
awaitable<> pod_actor::cancel_starts() {
    co_await starting_.stop();
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (machine_->phase(i) == unit_phase::starting) machine_->not_started(i, machine_->attempt(i), on_.time.now());
}

void pod_actor::act(pod_action const& what) {
    switch (what.kind) {
        case pod_action::what::start: return starting_.spawn(start_unit(what));
        case pod_action::what::probe: return acts_.spawn(probe(what));
        case pod_action::what::hook: return acts_.spawn(run_hook(what));
        case pod_action::what::stop: return acts_.spawn(stop_unit(what));
        case pod_action::what::kill: return acts_.spawn(kill_unit(what));
    }
}

void pod_actor::obey_wishes() {
    auto& status = mine_->status();
    if (status.restarts >= mine_->fields.restarts) return;
    machine_->restart(on_.time.now());
    for (std::size_t i = 0; i < units_.size(); ++i)
        if (machine_->ends(i)) mark_stopping(i, "a restart was asked for");
    status.restarts = mine_->fields.restarts;
    on_.records.publish(*mine_);
}

void pod_actor::look_at_network() {
    if (!mine_->network_lost || !is_prepared_ || machine_->is_ending()) return;
    if (!is_for_good(*mine_->network_lost)) {
        if (!std::exchange(is_mending_, true)) acts_.spawn(mend_network());
        return;
    }
    if (is_never_restarted()) return fail({instance_state::failed, "NetworkLost", to_string(*mine_->network_lost)});
    is_lost_ = true;
    on_.records.set_ready(*mine_, false);
    on_.records.complain(*mine_, mine_->status().state, "NetworkLost", *mine_->network_lost);
    machine_->end(rules_.grace, on_.time.now());
}

/// A Pod whose end is decided says so, and writes it: what has ended never runs again.
void pod_actor::look_at_end() {
    if (!machine_->is_ending() || is_lost_ || mine_->is_condemned() || is_end_told_) return;
    if (!mine_->end) on_.records.keep_end(*mine_, how_it_ended(mine_->status().containers));
    tell_ending();
}

void pod_actor::fail(instance_end how) {
    if (!mine_->end && !mine_->is_condemned()) on_.records.keep_end(*mine_, std::move(how));
    machine_->end(rules_.grace, on_.time.now());
    look_again();
}

time_point pod_actor::moment_of(wall_time when) const {
    return on_.time.now() - std::max<duration>(on_.time.wall() - when, duration());
}

}  // namespace rik::detail
