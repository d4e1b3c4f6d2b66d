// The life of one instance on this node, and what it says of itself.
#include "impl_detail.hpp"

#include <rik/model/codec.hpp>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

/// What is known of the containers that were found. True if all of them run or ran; one that never got as far as to
/// have any has not.
bool read_found(found_sandbox const& found, instance_status& status, wall_time now) {
    std::size_t known_count = 0;
    for (auto const& each : found.containers) {
        auto const which = std::find_if(status.containers.begin(), status.containers.end(),
                                        [&](auto const& known) { return known.name == each.key.name; });
        if (which == status.containers.end() || (!each.running && !each.exit)) continue;
        ++known_count;
        if (each.exit)
            detail::set_exited(*which, *each.exit);
        else
            detail::set_running(*which, each.started_at.value_or(now));
    }
    return known_count > 0 && known_count == status.containers.size();
}

bool all_codes_known(std::vector<container_status> const& containers) {
    return std::all_of(containers.begin(), containers.end(),
                       [](auto const& each) { return each.exit_code.has_value(); });
}

/// How a Pod has ended whose containers had exited before the machine went down. Nobody can tell whether a container
/// ended by itself or by the signal that a shutdown sends to every process, which a server answers with 0, too. So the
/// restartPolicy decides, as it would have without the reboot; without one, what has ended does not run again.
std::optional<detail::instance_end> end_before(std::vector<container_status> const& containers, restart_policy restart,
                                               bool is_rebooted) {
    if (!all_codes_known(containers)) return std::nullopt;
    auto how = detail::end_of(containers);
    if (!how || !is_rebooted) return how;
    auto const is_success = how->state == instance_state::succeeded;
    if (restart == restart_policy::always || (restart == restart_policy::on_failure && !is_success))
        return std::nullopt;
    if (!is_success) how->message += "; the node was rebooted since";
    return how;
}

/// The namespace is gone: no trying again brings the containers back on the network.
bool is_for_good(error const& lost) { return lost.code == errc::not_found || lost.code == errc::invalid; }

}  // namespace

void node_agent::impl::keep(record& held) {
    disk_.put("instance", held.id().text(), encode(instance(held.fields)));
    held.kept_at = disk_.last();
}

void node_agent::impl::report_again(record& held) {
    auto& status = held.status();
    auto const is_ready = status.state == instance_state::running && !held.network_lost && !held.end &&
                          detail::all_run(status.containers);
    if (status.ready != is_ready) status.ready_since = is_ready ? std::optional(ports_.time.wall()) : std::nullopt;
    status.ready = is_ready;
    ++status.seq;
    held.is_dirty = true;
    keep(held);
    due_.notify();
}

void node_agent::impl::report(record& held, instance_state state, std::string reason, std::string message) {
    auto& status = held.status();
    if (status.state != state) status.since = ports_.time.wall();
    status.state = state;
    status.reason = std::move(reason);
    status.message = std::move(message);
    explain_unstarted(status);
    report_again(held);
}

void node_agent::impl::complain(record& held, instance_state state, std::string reason, error const& why) {
    auto message = to_string(why);
    auto const& said = held.status();
    if (said.state == state && said.reason == reason && said.message == message) return;
    options_.out.error("instance has a problem; trying again",
                       {{"instance", held.fields.name}, {"reason", reason}, {"error", message}});
    report(held, state, std::move(reason), std::move(message));
}

/// Lives as long as the record: what starts and watches runs beside it, so that a destroy order can end that at any
/// moment.
awaitable<> node_agent::impl::supervise(record_ptr held) {
    if (!held->is_condemned()) held->work.spawn(resume(held));
    while (!held->is_condemned()) co_await held->changed.wait();
    co_await held->work.stop();
    co_await tear_down(held);
}

/// Goes on where an earlier agent, or nobody, left the instance.
awaitable<> node_agent::impl::resume(record_ptr held) {
    while (orphans_.contains(held->id())) co_await orphan_gone_.wait();
    auto const was = held->status().state;
    if (is_finished(was)) co_return;
    auto const is_known = held->found && read_found(*held->found, held->status(), ports_.time.wall());
    if (held->end) report_ending(*held);
    if (held->end) co_return co_await settle(held);
    if (is_known && held->found->is_whole) {
        if (held->status().addresses.empty())
            held->network_lost = error{errc::conflict, "its address is not known any more"};
        std::string news = "runs on; a new agent watches it";
        auto const& all = held->status().containers;
        if (!detail::all_run(all)) news += "; " + detail::describe_progress(all);
        report(*held, instance_state::running, "TakenOver", std::move(news));
        co_return co_await watch_containers(held);
    }
    auto const is_rebooted = held->boot_id != facts_.boot_id;
    auto ended = is_known ? end_before(held->status().containers, held->spec().restart, is_rebooted) : std::nullopt;
    if (ended) co_return co_await finish(held, std::move(*ended));
    if (was == instance_state::running && held->spec().restart == restart_policy::never) {
        if (is_rebooted || !held->found) detail::set_lost(held->status().containers, ports_.time.wall());
        detail::instance_end how{instance_state::failed, is_rebooted ? "NodeRebooted" : "ContainersLost",
                                 is_rebooted ? "the node was rebooted, and its restartPolicy is Never"
                                             : "its containers are not on the node any more"};
        co_return co_await finish(held, std::move(how));
    }
    // Half made, or from before a reboot: it starts from nothing.
    if (std::exchange(held->found, std::nullopt)) co_await remove_pod(held, instance_state::creating, leaving::nothing);
    co_await bring_up(held);
}

/// Ends when the instance has ended by itself and was finished.
awaitable<> node_agent::impl::watch_containers(record_ptr held) {
    for (auto const& each : held->status().containers)
        if (each.state == container_state::running) held->work.spawn(watch_container(held, each.name));
    for (;;) {
        auto how = detail::end_of(held->status().containers);
        if (!how && held->network_lost && is_for_good(*held->network_lost))
            how = detail::instance_end{instance_state::failed, "NetworkLost", to_string(*held->network_lost)};
        if (how) co_return co_await finish(held, std::move(*how));
        if (held->network_lost)
            co_await put_back_on_network(held);
        else
            co_await held->changed.wait();
    }
}

awaitable<> node_agent::impl::watch_container(record_ptr held, std::string container) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const ended = co_await ports_.containers.wait_container(key_of(*held, container));
        auto* const status = held->find(container);
        if (status->state != container_state::running) co_return;  // seen by who stopped it
        if (ended || ended.error().code == errc::not_found) {
            container_exit const lost{.code_known = false, .finished_at = ports_.time.wall()};
            detail::set_exited(*status, ended ? *ended : lost);
            auto const& all = held->status().containers;
            if (held->end || detail::end_of(all))
                report_again(*held);
            else
                report(*held, instance_state::running, "ContainerExited", detail::describe_progress(all));
            co_return held->changed.notify();
        }
        auto problem = to_string(ended.error());
        if (problem != last_problem)
            options_.out.warning("container cannot be watched; trying again",
                                 {{"instance", held->fields.name}, {"container", container}, {"error", problem}});
        last_problem = std::move(problem);
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

}  // namespace rik
