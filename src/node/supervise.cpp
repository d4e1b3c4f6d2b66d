// The life of one instance on this node, and what it says of itself.
#include "impl_detail.hpp"
#include "requests_detail.hpp"

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

void node_agent::impl::keep(node_instance& mine) {
    disk_.put("instance", mine.id().text(), encode(instance(mine.fields)));
    mine.kept_at = disk_.last();
}

void node_agent::impl::report_again(node_instance& mine) {
    auto& status = mine.status();
    auto const is_ready = status.state == instance_state::running && !mine.network_lost && !mine.end &&
                          detail::all_run(status.containers);
    if (status.ready != is_ready) status.ready_since = is_ready ? std::optional(ports_.time.wall()) : std::nullopt;
    status.ready = is_ready;
    ++status.seq;
    mine.is_dirty = true;
    keep(mine);
    due_.notify();
}

void node_agent::impl::report(node_instance& mine, instance_state state, std::string reason, std::string message) {
    auto& status = mine.status();
    if (status.state != state) status.since = ports_.time.wall();
    status.state = state;
    status.reason = std::move(reason);
    status.message = std::move(message);
    explain_unstarted(status);
    report_again(mine);
}

void node_agent::impl::complain(node_instance& mine, instance_state state, std::string reason, error const& why) {
    auto message = to_string(why);
    auto const& said = mine.status();
    if (said.state == state && said.reason == reason && said.message == message) return;
    options_.out.error("instance has a problem; trying again",
                       {{"instance", mine.fields.name}, {"reason", reason}, {"error", message}});
    report(mine, state, std::move(reason), std::move(message));
}

/// Lives as long as the record: what starts and watches runs beside it, so that a destroy order can end that at any
/// moment.
awaitable<> node_agent::impl::supervise(node_instance_ptr mine) {
    if (!mine->is_condemned()) mine->work.spawn(resume(mine));
    while (!mine->is_condemned()) co_await mine->changed.wait();
    co_await mine->work.stop();
    co_await tear_down(mine);
}

/// Goes on where an earlier agent, or nobody, left the instance.
awaitable<> node_agent::impl::resume(node_instance_ptr mine) {
    while (orphans_.contains(mine->id())) co_await orphan_gone_.wait();
    auto const was = mine->status().state;
    if (is_finished(was)) co_return;
    auto const is_known = mine->found && read_found(*mine->found, mine->status(), ports_.time.wall());
    if (mine->end) report_ending(*mine);
    if (mine->end) co_return co_await settle(mine);
    if (is_known && mine->found->is_whole) {
        if (mine->spec().has_host_network)
            mine->status().addresses = detail::addresses_on(facts_);
        else if (mine->status().addresses.empty())
            mine->network_lost = error{errc::conflict, "its address is not known any more"};
        std::string news = "runs on; a new agent watches it";
        auto const& all = mine->status().containers;
        if (!detail::all_run(all)) news += "; " + detail::describe_progress(all);
        report(*mine, instance_state::running, "TakenOver", std::move(news));
        co_return co_await watch_containers(mine);
    }
    auto const is_rebooted = mine->boot_id != facts_.boot_id;
    auto ended = is_known ? end_before(mine->status().containers, mine->spec().restart, is_rebooted) : std::nullopt;
    if (ended) co_return co_await finish(mine, std::move(*ended));
    if (was == instance_state::running && mine->spec().restart == restart_policy::never) {
        if (is_rebooted || !mine->found) detail::set_lost(mine->status().containers, ports_.time.wall());
        detail::instance_end how{instance_state::failed, is_rebooted ? "NodeRebooted" : "ContainersLost",
                                 is_rebooted ? "the node was rebooted, and its restartPolicy is Never"
                                             : "its containers are not on the node any more"};
        co_return co_await finish(mine, std::move(how));
    }
    // Half made, or from before a reboot: it starts from nothing.
    if (std::exchange(mine->found, std::nullopt)) co_await remove_pod(mine, instance_state::creating, leaving::nothing);
    give_back_room(*mine);
    co_await bring_up(mine);
}

/// Ends when the instance has ended by itself and was finished.
awaitable<> node_agent::impl::watch_containers(node_instance_ptr mine) {
    for (auto const& each : mine->status().containers)
        if (each.state == container_state::running) mine->work.spawn(watch_container(mine, each.name));
    for (;;) {
        auto how = detail::end_of(mine->status().containers);
        if (!how && mine->network_lost && is_for_good(*mine->network_lost))
            how = detail::instance_end{instance_state::failed, "NetworkLost", to_string(*mine->network_lost)};
        if (how) co_return co_await finish(mine, std::move(*how));
        if (mine->network_lost)
            co_await put_back_on_network(mine);
        else
            co_await mine->changed.wait();
    }
}

awaitable<> node_agent::impl::watch_container(node_instance_ptr mine, std::string container) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const ended = co_await ports_.containers.wait_container(key_of(*mine, container));
        auto* const status = mine->find(container);
        if (status->state != container_state::running) co_return;  // seen by who stopped it
        if (ended || ended.error().code == errc::not_found) {
            container_exit const lost{.code_known = false, .finished_at = ports_.time.wall()};
            detail::set_exited(*status, ended ? *ended : lost);
            auto const& all = mine->status().containers;
            if (mine->end || detail::end_of(all))
                report_again(*mine);
            else
                report(*mine, instance_state::running, "ContainerExited", detail::describe_progress(all));
            co_return mine->changed.notify();
        }
        auto problem = to_string(ended.error());
        if (problem != last_problem)
            options_.out.warning("container cannot be watched; trying again",
                                 {{"instance", mine->fields.name}, {"container", container}, {"error", problem}});
        last_problem = std::move(problem);
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

}  // namespace rik
