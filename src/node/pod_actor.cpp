#include "disk_watch_detail.hpp"
#include "pod_actor_detail.hpp"

#include <rik/async/deadline.hpp>

#include <string>
#include <utility>

namespace rik::detail {

namespace {

constexpr duration full_disk_patience = std::chrono::seconds(2);

instance_end how_it_ended(std::vector<container_status> const& containers) {
    return end_of(containers).value_or(instance_end{instance_state::failed, "Error", "its containers have ended"});
}

/// Until something has happened, or the machine wants to be asked.
awaitable<> wait_for_more(pod_core& pod) {
    auto const next = pod.machine->next_look();
    if (!next) co_return co_await pod.mine->due.wait();
    auto changing = change_of(pod.mine->due);
    auto const changed = co_await with_deadline(pod.on.time, *next, std::move(changing));
    (void)changed;
}

/// Until that change is on disk. One that is full may take it only when the room is free that is about to be made, so
/// then it is not waited for for long: the next agent, if there is one before that, does not know and goes on with the
/// instance. Returns false if the agent stops.
awaitable<bool> wait_until_kept(pod_core& pod, revision change) {
    while (!pod.on.disk.is_durable(change)) {
        auto flushing = pod.on.disk.wait_durable(change);
        auto const last = pod.on.time.now() + full_disk_patience;
        auto const kept = co_await with_deadline(pod.on.time, last, std::move(flushing));
        if (kept) co_return true;
        if (kept.error().code != errc::timed_out) co_return false;
        if (!pod.on.storage.is_short()) continue;
        pod.on.out.warning("an instance is removed before that is on disk: the disk is full",
                           {{"instance", pod.mine->fields.name}});
        co_return true;
    }
    co_return true;
}

}  // namespace

pod_actor::pod_actor(node_instance_ptr mine, pod_context const& on)
    : pod_(std::move(mine), on),
      notes_(pod_),
      telling_(pod_, notes_),
      sandbox_(pod_, telling_),
      watch_(pod_, notes_),
      acts_(pod_, notes_),
      starts_(pod_, notes_, sandbox_, watch_),
      past_(pod_, notes_, starts_, watch_),
      life_(on.strand) {}

awaitable<> pod_actor::stop() {
    co_await life_.stop();
    co_await stop_acting();
}

awaitable<> pod_actor::stop_acting() {
    co_await starts_.stop();
    co_await acts_.stop();
    co_await sandbox_.stop();
    co_await watch_.stop();
}

/// What lives runs beside this, so that a destroy order can end that at any moment.
awaitable<> pod_actor::run() {
    auto& mine = *pod_.mine;
    if (!mine.is_condemned()) life_.spawn(live());
    while (!mine.is_condemned()) co_await mine.changed.wait();
    co_await life_.stop();
    co_await leave();
}

awaitable<> pod_actor::live() {
    co_await pod_.on.strays.wait_until_gone(pod_.mine->id());
    if (is_finished(pod_.status().state)) co_return co_await stay_finished();
    auto const is_resumed = co_await resume();
    if (!is_resumed) co_return;
    for (;;) {
        co_await drive();
        if (!std::exchange(is_lost_, false)) break;
        auto const is_begun = co_await begin_anew();
        if (!is_begun) co_return;
    }
    auto const may_go_on = co_await wait_until_kept(pod_, pod_.mine->kept_at);
    if (!may_go_on) co_return;  // the agent stops; the next one finds the containers as they are
    co_await settle();
    co_await stay_finished();
}

/// Where an earlier agent, or nobody, left it. Returns false if the agent stops.
awaitable<bool> pod_actor::resume() {
    auto& mine = *pod_.mine;
    past_.fit_status();
    if (pod_.containers == nullptr) {
        std::string why = "its node has no runtime '" + std::string(runtime_name(mine.spec().form)) + "'";
        pod_.on.records.keep_end(mine, {instance_state::failed, "RuntimeMissing", std::move(why)});
        co_return true;
    }
    if (mine.end || past_.has_remains()) {
        past_.take_over();
        auto const& status = mine.status();
        // An earlier agent has begun with the last that is not done; with more than one nobody knows.
        if (pod_.machine->is_restarting() && status.restarts + 1 == mine.fields.restarts)
            restarts_begun_ = mine.fields.restarts;
        if (mine.end) {
            telling_.tell_ending();
        } else {
            sandbox_.take_over_address();
            telling_.tell_taken_over();
        }
        co_return true;
    }
    if (auto how = past_.find_end()) {
        pod_.on.records.keep_end(mine, std::move(*how));
        telling_.tell_ending();
        co_return true;
    }
    co_return co_await begin_anew();
}

/// From nothing, after what is left of it was removed. Returns false if the agent stops: the next one finds what is
/// left as it is.
awaitable<bool> pod_actor::begin_anew() {
    co_await stop_acting();
    auto& mine = *pod_.mine;
    auto& containers = mine.status().containers;
    auto const now = pod_.on.time.now();
    auto const memory = made_anew(pod_.machine ? pod_.machine->remember(now) : past_.recall(), containers);
    auto const has_leftovers = pod_.is_prepared || mine.found;
    if (has_leftovers) {
        // Which attempts there were must be on disk before the last trace of them goes: else a power loss would let one
        // begin twice.
        pod_.machine.emplace(pod_.rules, memory, now);
        past_.remember();
        auto const on_disk = co_await pod_.on.disk.wait_durable();
        if (!on_disk) co_return false;
        co_await sandbox_.remove(instance_state::creating, pod_sandbox::leaving::nothing);
    }
    set_lost(containers, pod_.on.time.wall());
    for (auto& each : containers)
        if (each.state == container_state::exited) set_restarting(each);
    pod_.on.room.give_back(mine);
    mine.network_lost.reset();
    mine.warnings.clear();
    pod_.is_prepared = false;
    notes_.reset();
    pod_.machine.emplace(pod_.rules, memory, pod_.on.time.now());
    starts_.begin();
    watch_.begin_disk_limits();
    co_return true;
}

/// Until nothing of it runs or will, or what it has killed does not end.
awaitable<> pod_actor::drive() {
    while (pod_.machine) {
        auto const& machine = *pod_.machine;
        obey_wishes();
        look_at_network();
        act();
        look_at_end();
        if (machine.is_ending()) co_await starts_.cancel();
        telling_.tell();
        if (!is_lost_) past_.remember();  // whoever goes on with one that is lost makes it anew, too
        watch_.remove_outdated();
        if (machine.outcome() || (machine.is_ending() && machine.hangs())) co_return;
        co_await wait_for_more(pod_);
    }
}

void pod_actor::act() {
    for (auto const& each : pod_.machine->take_due(pod_.on.time.now())) {
        if (each.kind == pod_action::what::start)
            starts_.start(each);
        else
            acts_.begin(each);
    }
}

/// A restart counts when all that it has ended has started again: until then an agent that takes over goes on with it.
void pod_actor::obey_wishes() {
    if (auto how = std::exchange(pod_.mine->eviction, std::nullopt)) {
        is_lost_ = false;
        pod_.fail_at_once(std::move(*how));
    }
    auto& status = pod_.status();
    auto const wished = pod_.mine->fields.restarts;
    if (status.restarts >= wished) return;
    auto& machine = *pod_.machine;
    if (std::exchange(restarts_begun_, wished) < wished) restart();
    if (machine.is_restarting() && !machine.is_ending()) return;
    status.restarts = wished;
    pod_.on.records.publish(*pod_.mine);
}

void pod_actor::restart() {
    auto& machine = *pod_.machine;
    std::vector<std::uint32_t> before;
    for (std::size_t i = 0; i < pod_.unit_count(); ++i) before.push_back(machine.attempt(i));
    machine.restart(pod_.on.time.now());
    for (std::size_t i = 0; i < pod_.unit_count(); ++i) {
        if (machine.ends(i)) notes_.mark_stopping(i, "a restart was asked for");
        if (machine.attempt(i) != before[i]) watch_.restart(i, before[i]);  // it had ended
    }
}

void pod_actor::look_at_network() {
    auto& mine = *pod_.mine;
    if (!mine.network_lost || !pod_.is_prepared || pod_.machine->is_ending()) return;
    if (!is_for_good(*mine.network_lost)) return sandbox_.mend();
    if (pod_.is_never_restarted())
        return pod_.fail({instance_state::failed, "NetworkLost", to_string(*mine.network_lost)});
    is_lost_ = true;
    pod_.on.records.set_ready(mine, false);
    pod_.on.records.complain(mine, mine.status().state, "NetworkLost", *mine.network_lost);
    pod_.end();
}

/// A Pod whose end is decided says so, and writes it: what has ended never runs again.
void pod_actor::look_at_end() {
    auto& mine = *pod_.mine;
    if (!pod_.machine->is_ending() || is_lost_ || mine.is_condemned()) return;
    if (!mine.end) pod_.on.records.keep_end(mine, how_it_ended(mine.status().containers));
    telling_.tell_ending();
}

/// Its room is freed, and then the end is told; the record and the logs stay until somebody deletes the instance.
/// Precondition: its end is on disk.
awaitable<> pod_actor::settle() {
    co_await stop_acting();
    if (pod_.containers != nullptr) co_await sandbox_.remove(pod_.status().state, pod_sandbox::leaving::logs);
    set_lost(pod_.status().containers, pod_.on.time.wall());
    pod_.machine.reset();
    sandbox_.give_back();
    telling_.tell_end();
}

/// Wishes for what has ended are obeyed by saying that they were heard.
awaitable<> pod_actor::stay_finished() {
    auto& mine = *pod_.mine;
    for (;;) {
        if (std::exchange(mine.status().restarts, mine.fields.restarts) != mine.fields.restarts)
            pod_.on.records.publish(mine);
        co_await mine.due.wait();
    }
}

/// Nothing of the instance is left when it is said to be gone.
awaitable<> pod_actor::leave() {
    auto& mine = *pod_.mine;
    auto const may_go_on = co_await wait_until_kept(pod_, mine.kept_at);
    if (!may_go_on) co_return;  // the agent stops, and nothing that could be started again was stopped
    if (!pod_.machine && pod_.containers != nullptr && past_.has_remains()) {
        past_.fit_status();
        past_.take_over();
    }
    if (pod_.machine) pod_.end();
    co_await drive();
    co_await stop_acting();
    if (pod_.containers != nullptr) co_await sandbox_.remove(instance_state::destroying, pod_sandbox::leaving::nothing);
    sandbox_.give_back();
    pod_.on.records.forget(mine);
    auto const on_disk = co_await pod_.on.disk.wait_durable();
    if (!on_disk) co_return;  // the agent stops; the next one finds the record and says it again
    pod_.on.out.info("instance removed", {{"instance", mine.fields.name}});
    pod_.on.tell_gone(mine);
}

}  // namespace rik::detail
