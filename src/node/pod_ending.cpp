// From what is left of an instance to nothing.
#include "pod_actor_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

/// Its room is freed, and then the end is told; the record and the logs stay until somebody deletes the instance.
/// Precondition: its end is on disk.
awaitable<> pod_actor::settle() {
    co_await stop_acting();
    if (containers_ != nullptr) co_await remove_pod(mine_->status().state, leaving::logs);
    set_lost(mine_->status().containers, on_.time.wall());
    machine_.reset();
    give_back();
    auto how = *mine_->end;
    on_.records.drop_end(*mine_);
    for (auto& each : mine_->status().containers) {
        each.ready = each.ready && each.role == container_role::init;
        each.started = false;
        each.starts_at.reset();
        if (each.reason == "PodInitializing" || each.reason == "CrashLoopBackOff") each.reason = "ContainerCreating";
    }
    on_.records.report(*mine_, how.state, std::move(how.reason), std::move(how.message));
}

void pod_actor::give_back() {
    on_.pods.give_back(*mine_);
    on_.room.give_back(*mine_);
    mine_->network_lost.reset();
}

/// Nothing of the instance is left when it is said to be gone.
awaitable<> pod_actor::leave() {
    auto const ordered = co_await on_.disk.wait_durable(mine_->kept_at);
    if (!ordered) co_return;  // the agent stops, and nothing that could be started again was stopped
    if (!machine_ && containers_ != nullptr && has_remains()) {
        fit_status();
        take_over();
    }
    if (machine_) machine_->end(rules_.grace, on_.time.now());
    co_await drive();
    co_await stop_acting();
    if (containers_ != nullptr) co_await remove_pod(instance_state::destroying, leaving::nothing);
    give_back();
    on_.records.forget(*mine_);
    auto const on_disk = co_await on_.disk.wait_durable();
    if (!on_disk) co_return;  // the agent stops; the next one finds the record and says it again
    on_.out.info("instance removed", {{"instance", mine_->fields.name}});
    on_.tell_gone(*mine_);
}

/// What cannot be removed is tried again; `meanwhile` the status says why.
awaitable<> pod_actor::remove_pod(instance_state meanwhile, leaving what) {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto const removed = co_await try_remove_pod(what);
        if (removed) co_return;
        on_.records.complain(*mine_, meanwhile, "NotRemoved", removed.error());
        co_await on_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<result<void>> pod_actor::try_remove_pod(leaving what) {
    auto const killed = co_await kill_containers();
    mine_->found.reset();  // when the network opens only now, it must not be given back to it
    result<void> detached;
    if (!mine_->spec().has_host_network) detached = co_await on_.pods.detach(mine_->id());
    auto removing =
        what == leaving::logs ? containers_->vacate_sandbox(mine_->id()) : containers_->remove_sandbox(mine_->id());
    auto const removed = co_await std::move(removing);
    if (removed) co_return detached;
    co_return killed ? removed.error() : killed.error();
}

/// Ends what runs yet. All are killed before any is waited for. Whatever goes wrong, the removal finds out, too: an
/// error here says more of it. Errors: timed_out, one does not end: its processes hang in the kernel; those of the
/// kill.
awaitable<result<void>> pod_actor::kill_containers() {
    result<void> all_ended;
    std::vector<container_key> keys;
    for (auto const& each : mine_->status().containers) keys.push_back({mine_->id(), each.name, each.restart_count});
    for (auto const& key : keys) {
        auto const killed = co_await containers_->kill_container(key);
        if (killed || is_not_running(killed.error())) continue;
        all_ended = error{killed.error().code, fmt::format("container {}: {}", key.name, killed.error().message)};
    }
    auto const patience = on_.time.now() + limits::kill_timeout;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto ending = containers_->wait_container(keys[i]);
        auto const ended = co_await with_deadline(on_.time, patience, std::move(ending));
        if (all_ended && !ended && ended.error().code == errc::timed_out)
            all_ended = error{errc::timed_out, fmt::format("container {} was killed and does not end", keys[i].name),
                              "", "see what its processes wait for in the kernel"};
        auto& status = status_of(i);
        if (ended && status.state == container_state::running) set_exited(status, *ended);
    }
    co_return all_ended;
}

}  // namespace rik::detail
