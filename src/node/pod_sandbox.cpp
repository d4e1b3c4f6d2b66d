#include "pod_sandbox_detail.hpp"
#include "requests_detail.hpp"
#include "scoped_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rik::detail {

/// With the order, so that one flush is enough for both. As long as the subnet is not known, make_once takes an
/// address.
void pod_sandbox::begin() {
    if (!pod_.lacks_permit()) keep_boot();
    auto const can_take = pod_.spec().has_host_network || pod_.on.pods.can_allocate();
    auto const early = can_take ? take_address() : std::nullopt;
    telling_.begin();
    starts_after_ = pod_.mine->kept_at;
}

void pod_sandbox::keep_boot() {
    if (pod_.mine->boot_id == pod_.on.facts.boot_id) return;
    pod_.on.records.keep_boot(*pod_.mine, pod_.on.facts.boot_id);
    starts_after_ = pod_.on.disk.last();
}

awaitable<result<void>> pod_sandbox::make() {
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::start_pause_max)) {
        auto failed = co_await make_once();
        if (!failed) break;
        if (pod_.is_final(failed->why)) {
            pod_.fail({instance_state::failed, failed->reason, to_string(failed->why)});
            co_return failed->why;
        }
        pod_.on.records.complain(*pod_.mine, instance_state::creating, failed->reason, failed->why);
        co_await remove(instance_state::creating, leaving::nothing);
        co_await pod_.on.time.sleep_for(pause);
    }
    // Nothing runs whose order or address could be lost. A sandbox without an order is nobody's, and the next agent
    // removes it, so it is made while the disk writes.
    auto const on_disk = co_await pod_.on.disk.wait_durable(starts_after_);
    co_return on_disk;
}

awaitable<std::optional<pod_sandbox::failure>> pod_sandbox::make_once() {
    auto addressed = take_address();
    if (addressed) co_return std::move(addressed);
    auto request = make_sandbox_request(pod_.mine->fields);
    auto const made = co_await pod_.containers->create_sandbox(std::move(request));
    if (!made) co_return failure{"SandboxFailed", made.error()};
    if (!made->warning.empty()) pod_.mine->warnings += fmt::format("; {}", made->warning);
    if (pod_.spec().has_host_network) co_return std::nullopt;
    auto const attached = co_await pod_.on.pods.attach(pod_.mine, *made);
    if (!attached) co_return failure{"NetworkFailed", attached.error()};
    co_return std::nullopt;
}

std::optional<pod_sandbox::failure> pod_sandbox::take_address() {
    auto& addresses = pod_.status().addresses;
    if (pod_.spec().has_host_network) {  // the node may have got another one at a reboot
        addresses = addresses_on(pod_.on.facts);
        return std::nullopt;
    }
    if (!addresses.empty()) return std::nullopt;
    auto const allocated = pod_.on.pods.allocate(*pod_.mine);
    if (!allocated) return failure{"NetworkFailed", allocated.error()};
    starts_after_ = pod_.mine->kept_at;
    return std::nullopt;
}

void pod_sandbox::take_over_address() {
    auto& addresses = pod_.status().addresses;
    if (pod_.spec().has_host_network)
        addresses = addresses_on(pod_.on.facts);
    else if (addresses.empty())
        pod_.mine->network_lost = error{errc::conflict, "its address is not known any more"};
}

void pod_sandbox::mend() {
    if (!std::exchange(is_mending_, true)) mending_.spawn(keep_mending());
}

awaitable<> pod_sandbox::stop() {
    co_await mending_.stop();
    is_mending_ = false;
}

/// While the network itself is damaged it only waits.
awaitable<> pod_sandbox::keep_mending() {
    raised const here(is_mending_);
    auto& mine = *pod_.mine;
    while (mine.network_lost && !is_for_good(*mine.network_lost)) {
        pod_.on.records.set_ready(mine, false);
        pod_.on.records.complain(mine, mine.status().state, "NetworkLost", *mine.network_lost);
        if (pod_.on.pods.problem().empty()) {
            auto failed = co_await make_once();
            if (!failed) {
                mine.network_lost.reset();
                telling_.tell_readiness();
                pod_.on.records.report(mine, mine.status().state, "NetworkRepaired", "is on the network again");
                co_return pod_.look_again();
            }
            mine.network_lost = failed->why;
        }
        auto const looks_again = pod_.on.time.now() + limits::reconnect_pause_max;
        auto changing = pod_.on.pods.change();
        auto const changed = co_await with_deadline(pod_.on.time, looks_again, std::move(changing));
        (void)changed;
    }
    pod_.look_again();
}

awaitable<> pod_sandbox::remove(instance_state meanwhile, leaving what) {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto const removed = co_await try_remove(meanwhile, what);
        if (removed) co_return;
        pod_.on.records.complain(*pod_.mine, meanwhile, "NotRemoved", removed.error());
        co_await pod_.on.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<result<void>> pod_sandbox::try_remove(instance_state meanwhile, leaving what) {
    auto const killed = co_await kill_containers();
    pod_.mine->found.reset();  // when the network opens only now, it must not be given back to it
    auto taking = take_apart(what);
    // Somebody waits for an end to be told, or for the next start; for a deletion nobody as eagerly.
    auto removing =
        meanwhile == instance_state::destroying ? pod_.on.removals.run(std::move(taking)) : std::move(taking);
    auto const removed = co_await std::move(removing);
    co_return removed || killed ? removed : killed;
}

/// Nothing runs in it any more. Errors: of the removal before those of the network.
awaitable<result<void>> pod_sandbox::take_apart(leaving what) {
    auto const id = pod_.mine->id();
    result<void> detached;
    if (!pod_.spec().has_host_network) detached = co_await pod_.on.pods.detach(id);
    auto removing = what == leaving::logs ? pod_.containers->vacate_sandbox(id) : pod_.containers->remove_sandbox(id);
    auto const removed = co_await std::move(removing);
    co_return removed ? detached : removed;
}

/// Ends what runs yet. All are killed before any is waited for. Whatever goes wrong, the removal finds out, too: an
/// error here says more of it. Errors: timed_out, one does not end: its processes hang in the kernel; those of the
/// kill.
awaitable<result<void>> pod_sandbox::kill_containers() {
    result<void> all_ended;
    std::vector<container_key> keys;
    for (auto const& each : pod_.status().containers) keys.push_back({pod_.mine->id(), each.name, each.restart_count});
    for (auto const& key : keys) {
        auto const killed = co_await pod_.containers->kill_container(key);
        if (killed || is_not_running(killed.error())) continue;
        all_ended = error{killed.error().code, fmt::format("container {}: {}", key.name, killed.error().message)};
    }
    auto const patience = pod_.on.time.now() + limits::kill_timeout;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto ending = pod_.containers->wait_container(keys[i]);
        auto const ended = co_await with_deadline(pod_.on.time, patience, std::move(ending));
        if (all_ended && !ended && ended.error().code == errc::timed_out)
            all_ended = error{errc::timed_out, fmt::format("container {} was killed and does not end", keys[i].name),
                              "", "see what its processes wait for in the kernel"};
        auto& status = pod_.status_of(i);
        if (ended && status.state == container_state::running) set_exited(status, *ended);
    }
    co_return all_ended;
}

void pod_sandbox::give_back() {
    pod_.on.pods.give_back(*pod_.mine);
    pod_.on.room.give_back(*pod_.mine);
    pod_.mine->network_lost.reset();
}

}  // namespace rik::detail
