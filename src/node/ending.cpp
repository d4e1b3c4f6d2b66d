// From running containers, or what is left of them, to nothing.
#include "impl_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

bool is_not_running(error const& why) { return why.code == errc::not_found; }

std::vector<std::string> names_of(instance_template const& pod) {
    std::vector<std::string> names;
    for (auto const& each : pod.containers) names.push_back(each.name);
    return names;
}

}  // namespace

/// Its end is on disk before its containers, the other evidence, are removed: what has ended never runs again.
awaitable<> node_agent::impl::finish(node_instance_ptr mine, detail::instance_end how) {
    options_.out.info(
        "instance ended",
        {{"instance", mine->fields.name}, {"state", std::string(to_string(how.state))}, {"why", how.message}});
    disk_.put("end", mine->id().text(), detail::encode_end(how));
    mine->end = std::move(how);
    report_ending(*mine);
    auto const on_disk = co_await disk_.wait_durable(mine->kept_at);
    if (!on_disk) co_return;  // the agent stops; the next one finds the containers as they are
    co_await settle(mine);
}

void node_agent::impl::report_ending(node_instance& mine) {
    auto& status = mine.status();
    auto const& why = mine.end->message;
    bool is_rest_stopped = false;
    for (auto& each : status.containers) {
        if (each.state != container_state::running) continue;
        detail::set_stopping(each, why);
        is_rest_stopped = true;
    }
    // Where nothing is left to stop the end itself follows at once, and what was said of the Pod stays until then.
    if (is_rest_stopped)
        report(mine, status.state, "Ending", fmt::format("{}; the rest is being stopped", why));
    else
        report_again(mine);
}

/// The rest is stopped, the room freed, and then the end is told; the record and the logs stay until somebody deletes
/// the instance.
awaitable<> node_agent::impl::settle(node_instance_ptr mine) {
    co_await stop_containers(mine);
    co_await remove_pod(mine, mine->status().state, leaving::logs);
    detail::set_lost(mine->status().containers, ports_.time.wall());
    give_back_address(*mine);
    give_back_room(*mine);
    mine->network_lost.reset();
    auto how = *std::exchange(mine->end, std::nullopt);
    disk_.remove("end", mine->id().text());
    report(*mine, how.state, std::move(how.reason), std::move(how.message));
}

/// The stop signal to all, and from then on at most the grace period.
awaitable<> node_agent::impl::stop_containers(node_instance_ptr mine) {
    auto const stopping = co_await tell_to_stop(mine);
    auto const grace_ends = ports_.time.now() + mine->spec().grace_period;
    for (auto const& name : stopping) {
        auto ending = ports_.containers.wait_container(key_of(*mine, name));
        auto const ended = co_await with_deadline(ports_.time, grace_ends, std::move(ending));
        (void)ended;  // kill_containers looks at all of them
    }
}

/// Those that were told. The runtime may be short of something when it is asked: it is asked again, as long as a
/// container would have been waited for, and not much longer than a kill may take.
awaitable<std::vector<std::string>> node_agent::impl::tell_to_stop(node_instance_ptr mine) {
    auto const last_try = ports_.time.now() + std::min(mine->spec().grace_period, limits::kill_timeout);
    std::vector<std::string> told;
    auto untold = names_of(mine->spec());
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::reconnect_pause_max)) {
        auto const is_last = ports_.time.now() + pause > last_try;
        for (auto const& name : std::exchange(untold, {})) {
            auto const asked = co_await ports_.containers.stop_container(key_of(*mine, name));
            if (asked) told.push_back(name);
            if (asked || is_not_running(asked.error())) continue;
            untold.push_back(name);
            if (is_last)
                options_.out.error(
                    "container is killed without its stop signal",
                    {{"instance", mine->fields.name}, {"container", name}, {"error", to_string(asked.error())}});
        }
        if (untold.empty() || is_last) co_return told;
        co_await ports_.time.sleep_for(pause);
    }
}

/// Ends what runs yet. All are killed before any is waited for. Whatever goes wrong, the removal finds out, too: an
/// error here says more of it. Errors: timed_out, one does not end: its processes hang in the kernel; those of the
/// kill.
awaitable<result<void>> node_agent::impl::kill_containers(node_instance_ptr mine) {
    auto const release = mine->fields.made_from;  // as it is now, whatever comes meanwhile
    result<void> all_ended;
    for (auto const& each : release->spec().containers) {
        auto const killed = co_await ports_.containers.kill_container(key_of(*mine, each.name));
        if (killed || is_not_running(killed.error())) continue;
        all_ended = error{killed.error().code, fmt::format("container {}: {}", each.name, killed.error().message)};
    }
    auto const patience = ports_.time.now() + limits::kill_timeout;
    for (auto const& each : release->spec().containers) {
        auto ending = ports_.containers.wait_container(key_of(*mine, each.name));
        auto const ended = co_await with_deadline(ports_.time, patience, std::move(ending));
        if (all_ended && !ended && ended.error().code == errc::timed_out)
            all_ended = error{errc::timed_out, fmt::format("container {} was killed and does not end", each.name), "",
                              "see what its processes wait for in the kernel"};
        auto* const status = mine->find(each.name);
        if (ended && status != nullptr && status->state == container_state::running)
            detail::set_exited(*status, *ended);
    }
    co_return all_ended;
}

/// What cannot be removed is tried again; `meanwhile` the status says why.
awaitable<> node_agent::impl::remove_pod(node_instance_ptr mine, instance_state meanwhile, leaving what) {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto const removed = co_await try_remove_pod(mine, what);
        if (removed) co_return;
        complain(*mine, meanwhile, "NotRemoved", removed.error());
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<result<void>> node_agent::impl::try_remove_pod(node_instance_ptr mine, leaving what) {
    auto const killed = co_await kill_containers(mine);
    mine->found.reset();  // when the network opens only now, it must not be given back to it
    result<void> detached;
    if (!mine->spec().has_host_network) detached = co_await ports_.pods.detach(mine->id());
    auto removing = what == leaving::logs ? ports_.containers.vacate_sandbox(mine->id())
                                          : ports_.containers.remove_sandbox(mine->id());
    auto const removed = co_await std::move(removing);
    if (removed) co_return detached;
    co_return killed ? removed.error() : killed.error();
}

/// Nothing of the instance is left when it is said to be gone.
awaitable<> node_agent::impl::tear_down(node_instance_ptr mine) {
    auto const ordered = co_await disk_.wait_durable(mine->kept_at);
    if (!ordered) co_return;  // the agent stops, and nothing that could be started again was stopped
    co_await stop_containers(mine);
    co_await remove_pod(mine, instance_state::destroying, leaving::nothing);
    give_back_address(*mine);
    give_back_room(*mine);
    forget(*mine);
    auto const on_disk = co_await disk_.wait_durable();
    if (!on_disk) co_return;  // the agent stops; the next one finds the record and says it again
    gone_[mine->id()] = mine->fields.binding->fence;
    uncount(*mine);
    options_.out.info("instance removed", {{"instance", mine->fields.name}});
    instances_.erase(mine->id());
    due_.notify();
}

/// In one flush: all its rows, and its release if it was the last of it.
void node_agent::impl::forget(node_instance& mine) {
    mine.is_forgotten = true;
    auto const key = mine.id().text();
    disk_.remove("instance", key);
    if (!mine.boot_id.empty()) disk_.remove("boot", key);
    if (mine.end) disk_.remove("end", key);
    auto const release = mine.fields.made_from->id;
    auto const is_used = std::any_of(instances_.begin(), instances_.end(), [&](auto const& other) {
        return !other.second->is_forgotten && other.second->fields.made_from->id == release;
    });
    if (is_used) return;
    releases_.erase(release);
    disk_.remove("release", release.text());
}

}  // namespace rik
