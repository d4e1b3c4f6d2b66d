// What is done with containers that run: they are watched, probed, stopped, and their hooks run.
#include "pod_actor_detail.hpp"
#include "probing_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace rik::detail {

awaitable<> pod_actor::watch(std::size_t unit, container_key key) {
    auto pause = limits::reconnect_pause_min;
    std::string last_problem;
    for (;;) {
        auto const ended = co_await containers_->wait_container(key);
        if (ended || is_not_running(ended.error())) {
            container_exit const lost{.code_known = false, .finished_at = on_.time.wall()};
            co_return take_exit(unit, key.attempt, ended ? *ended : lost, on_.time.now());
        }
        auto problem = to_string(ended.error());
        if (problem != last_problem)
            on_.out.warning("container cannot be watched; trying again",
                            {{"instance", mine_->fields.name}, {"container", key.name}, {"error", problem}});
        last_problem = std::move(problem);
        co_await on_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

void pod_actor::take_exit(std::size_t unit, std::uint32_t attempt, container_exit const& how, time_point at) {
    auto& status = status_of(unit);
    if (machine_->attempt(unit) != attempt || status.state != container_state::running) return;
    set_exited(status, how);
    units_[unit].note.clear();
    machine_->exited(unit, attempt, {how.code_known ? std::optional(how.code) : std::nullopt}, at);
    look_again();
    if (machine_->attempt(unit) == attempt) return;
    set_restarting(status);
    acts_.spawn(remove_attempt(key_of(unit, attempt)));
}

/// Beside the next attempt, so that it delays nothing. What is left of it goes with the sandbox.
awaitable<> pod_actor::remove_attempt(container_key key) {
    auto const removed = co_await containers_->remove_container(key);
    if (!removed)
        on_.out.debug("an attempt was not removed; it goes with its Pod",
                      {{"instance", mine_->fields.name}, {"error", to_string(removed.error())}});
}

awaitable<> pod_actor::probe(pod_action what) {
    auto const& asked = *probe_of(definition_of(what.unit), what.probe);
    auto const deadline = on_.time.now() + asked.rules.timeout;
    auto asking = ask(key_of(what.unit, what.attempt), asked.action, deadline);
    auto const answer = co_await std::move(asking);
    take_answer(what, answer);
}

awaitable<result<probe_answer>> pod_actor::ask(container_key key, probe_action what, time_point deadline) {
    if (auto* const program = std::get_if<exec_action>(&what)) {
        exec_request request{.key = std::move(key), .command = std::move(program->command), .deadline = deadline};
        auto const ended = co_await containers_->exec(std::move(request));
        co_return answer_of(ended);
    }
    auto address = mine_->status().addresses.empty() ? std::string() : mine_->status().addresses.front();
    auto question = network_part(std::move(what));
    co_return co_await on_.probes.ask(std::move(address), std::move(question), deadline);
}

void pod_actor::take_answer(pod_action const& what, result<probe_answer> const& answer) {
    if (machine_->attempt(what.unit) != what.attempt) return;
    if (!answer)
        on_.out.debug("a probe was not made", {{"instance", mine_->fields.name}, {"error", to_string(answer.error())}});
    auto const had_to_end = machine_->ends(what.unit);
    auto const success = answer ? std::optional(answer->success) : std::nullopt;
    machine_->probed(what.unit, what.attempt, what.probe, success, on_.time.now());
    look_again();
    if (!answer) return;
    auto& note = units_[what.unit].note;
    auto const failed = answer->success ? std::string() : describe_probe(what.probe, answer->message);
    if (!had_to_end && machine_->ends(what.unit)) return mark_stopping(what.unit, failed);
    // The first reason is kept for as long as it is not ready: what is said must not change with every probe.
    if (machine_->is_ready(what.unit))
        note.clear();
    else if (note.empty())
        note = failed;
}

awaitable<> pod_actor::run_hook(pod_action what) {
    auto const& of = definition_of(what.unit);
    auto const& hook = what.hook == hook_kind::post_start ? of.post_start : of.pre_stop;
    auto doing = do_hook(key_of(what.unit, what.attempt), *hook);
    auto const done = co_await std::move(doing);
    auto const had_to_end = machine_->ends(what.unit);
    auto const is_success = done && done->success;
    machine_->hooked(what.unit, what.attempt, what.hook, is_success, on_.time.now());
    look_again();
    if (is_success) co_return;
    auto const why = describe_hook(what.hook, done ? done->message : to_string(done.error()));
    on_.out.warning("a hook failed", {{"instance", mine_->fields.name}, {"container", of.name}, {"why", why}});
    if (!had_to_end && machine_->ends(what.unit)) mark_stopping(what.unit, why);
}

/// Without a time limit of its own: what takes longer than the grace of its container is killed with it.
awaitable<result<probe_answer>> pod_actor::do_hook(container_key key, hook_action what) {
    if (auto const* const pause = std::get_if<sleep_action>(&what)) {
        co_await on_.time.sleep_for(pause->time);
        co_return probe_answer{.success = true};
    }
    auto action = action_of(std::move(what));
    auto const deadline = on_.time.now() + hook_time_max;
    co_return co_await ask(std::move(key), std::move(action), deadline);
}

/// The runtime may be short of something when it is asked: it is asked again, as long as a container would have been
/// waited for, and not much longer than a kill may take.
awaitable<> pod_actor::stop_unit(pod_action what) {
    auto const last_try = on_.time.now() + std::min(rules_.grace, limits::kill_timeout);
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::reconnect_pause_max)) {
        auto const asked = co_await containers_->stop_container(key_of(what.unit, what.attempt));
        auto const is_told = asked || is_not_running(asked.error());
        auto const is_last = on_.time.now() + pause > last_try;
        if (is_told || is_last) {
            if (!is_told)
                on_.out.error("container is killed without its stop signal",
                              {{"instance", mine_->fields.name},
                               {"container", rules_.units[what.unit].name},
                               {"error", to_string(asked.error())}});
            machine_->stopped(what.unit, what.attempt, is_told, on_.time.now());
            co_return look_again();
        }
        co_await on_.time.sleep_for(pause);
    }
}

awaitable<> pod_actor::kill_unit(pod_action what) {
    auto const killed = co_await containers_->kill_container(key_of(what.unit, what.attempt));
    if (killed || is_not_running(killed.error())) co_return;
    on_.out.error("a container cannot be killed; trying again", {{"instance", mine_->fields.name},
                                                                 {"container", rules_.units[what.unit].name},
                                                                 {"error", to_string(killed.error())}});
}

}  // namespace rik::detail
