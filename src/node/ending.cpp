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
awaitable<> node_agent::impl::finish(record_ptr held, detail::instance_end how) {
    options_.out.info(
        "instance ended",
        {{"instance", held->fields.name}, {"state", std::string(to_string(how.state))}, {"why", how.message}});
    disk_.put("end", held->id().text(), detail::encode_end(how));
    held->end = std::move(how);
    report_ending(*held);
    auto const on_disk = co_await disk_.wait_durable(held->kept_at);
    if (!on_disk) co_return;  // the agent stops; the next one finds the containers as they are
    co_await settle(held);
}

void node_agent::impl::report_ending(record& held) {
    auto& status = held.status();
    auto const& why = held.end->message;
    bool is_rest_stopped = false;
    for (auto& each : status.containers) {
        if (each.state != container_state::running) continue;
        detail::set_stopping(each, why);
        is_rest_stopped = true;
    }
    // Where nothing is left to stop the end itself follows at once, and what was said of the Pod stays until then.
    if (is_rest_stopped)
        report(held, status.state, "Ending", fmt::format("{}; the rest is being stopped", why));
    else
        report_again(held);
}

/// The rest is stopped, the room freed, and then the end is told; the record and the logs stay until somebody deletes
/// the instance.
awaitable<> node_agent::impl::settle(record_ptr held) {
    co_await stop_containers(held);
    co_await remove_pod(held, held->status().state, leaving::logs);
    detail::set_lost(held->status().containers, ports_.time.wall());
    give_back_address(*held);
    held->network_lost.reset();
    auto how = *std::exchange(held->end, std::nullopt);
    disk_.remove("end", held->id().text());
    report(*held, how.state, std::move(how.reason), std::move(how.message));
}

/// The stop signal to all, and from then on at most the grace period.
awaitable<> node_agent::impl::stop_containers(record_ptr held) {
    auto const stopping = co_await tell_to_stop(held);
    auto const grace_ends = ports_.time.now() + held->spec().grace_period;
    for (auto const& name : stopping) {
        auto ending = ports_.containers.wait_container(key_of(*held, name));
        auto const ended = co_await with_deadline(ports_.time, grace_ends, std::move(ending));
        (void)ended;  // kill_containers looks at all of them
    }
}

/// Those that were told. The runtime may be short of something when it is asked: it is asked again, as long as a
/// container would have been waited for, and not much longer than a kill may take.
awaitable<std::vector<std::string>> node_agent::impl::tell_to_stop(record_ptr held) {
    auto const last_try = ports_.time.now() + std::min(held->spec().grace_period, limits::kill_timeout);
    std::vector<std::string> told;
    auto untold = names_of(held->spec());
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::reconnect_pause_max)) {
        auto const is_last = ports_.time.now() + pause > last_try;
        for (auto const& name : std::exchange(untold, {})) {
            auto const asked = co_await ports_.containers.stop_container(key_of(*held, name));
            if (asked) told.push_back(name);
            if (asked || is_not_running(asked.error())) continue;
            untold.push_back(name);
            if (is_last)
                options_.out.error(
                    "container is killed without its stop signal",
                    {{"instance", held->fields.name}, {"container", name}, {"error", to_string(asked.error())}});
        }
        if (untold.empty() || is_last) co_return told;
        co_await ports_.time.sleep_for(pause);
    }
}

/// Ends what runs yet. All are killed before any is waited for. Whatever goes wrong, the removal finds out, too: an
/// error here says more of it. Errors: timed_out, one does not end: its processes hang in the kernel; those of the
/// kill.
awaitable<result<void>> node_agent::impl::kill_containers(record_ptr held) {
    auto const release = held->fields.made_from;  // as it is now, whatever comes meanwhile
    result<void> all_ended;
    for (auto const& each : release->spec().containers) {
        auto const killed = co_await ports_.containers.kill_container(key_of(*held, each.name));
        if (killed || is_not_running(killed.error())) continue;
        all_ended = error{killed.error().code, fmt::format("container {}: {}", each.name, killed.error().message)};
    }
    auto const patience = ports_.time.now() + limits::kill_timeout;
    for (auto const& each : release->spec().containers) {
        auto ending = ports_.containers.wait_container(key_of(*held, each.name));
        auto const ended = co_await with_deadline(ports_.time, patience, std::move(ending));
        if (all_ended && !ended && ended.error().code == errc::timed_out)
            all_ended = error{errc::timed_out, fmt::format("container {} was killed and does not end", each.name), "",
                              "see what its processes wait for in the kernel"};
        auto* const status = held->find(each.name);
        if (ended && status != nullptr && status->state == container_state::running)
            detail::set_exited(*status, *ended);
    }
    co_return all_ended;
}

/// What cannot be removed is tried again; `meanwhile` the status says why.
awaitable<> node_agent::impl::remove_pod(record_ptr held, instance_state meanwhile, leaving what) {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto const removed = co_await try_remove_pod(held, what);
        if (removed) co_return;
        complain(*held, meanwhile, "NotRemoved", removed.error());
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<result<void>> node_agent::impl::try_remove_pod(record_ptr held, leaving what) {
    auto const killed = co_await kill_containers(held);
    held->found.reset();  // when the network opens only now, it must not be given back to it
    auto const detached = co_await ports_.pods.detach(held->id());
    auto removing = what == leaving::logs ? ports_.containers.release_sandbox(held->id())
                                          : ports_.containers.remove_sandbox(held->id());
    auto const removed = co_await std::move(removing);
    if (removed) co_return detached;
    co_return killed ? removed.error() : killed.error();
}

/// Nothing of the instance is left when it is said to be gone.
awaitable<> node_agent::impl::tear_down(record_ptr held) {
    auto const ordered = co_await disk_.wait_durable(held->kept_at);
    if (!ordered) co_return;  // the agent stops, and nothing that could be started again was stopped
    co_await stop_containers(held);
    co_await remove_pod(held, instance_state::destroying, leaving::nothing);
    give_back_address(*held);
    forget(*held);
    auto const on_disk = co_await disk_.wait_durable();
    if (!on_disk) co_return;  // the agent stops; the next one finds the record and says it again
    gone_[held->id()] = held->fields.binding->fence;
    options_.out.info("instance removed", {{"instance", held->fields.name}});
    records_.erase(held->id());
    due_.notify();
}

/// In one flush: all its rows, and its release if it was the last of it.
void node_agent::impl::forget(record& held) {
    held.is_forgotten = true;
    auto const key = held.id().text();
    disk_.remove("instance", key);
    if (!held.boot_id.empty()) disk_.remove("boot", key);
    if (held.end) disk_.remove("end", key);
    auto const release = held.fields.made_from->id;
    auto const is_used = std::any_of(records_.begin(), records_.end(), [&](auto const& other) {
        return !other.second->is_forgotten && other.second->fields.made_from->id == release;
    });
    if (is_used) return;
    releases_.erase(release);
    disk_.remove("release", release.text());
}

}  // namespace rik
