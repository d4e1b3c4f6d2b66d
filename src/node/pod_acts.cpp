#include "pod_acts_detail.hpp"
#include "probing_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

namespace rik::detail {

namespace {

constexpr duration end_wait = std::chrono::milliseconds(200);

}  // namespace

void pod_acts::begin(pod_action const& what) {
    switch (what.kind) {
        case pod_action::what::start: return;
        case pod_action::what::probe: return tasks_.spawn(probe(what));
        case pod_action::what::hook: return tasks_.spawn(run_hook(what));
        case pod_action::what::stop: return tasks_.spawn(stop_unit(what));
        case pod_action::what::kill: return tasks_.spawn(kill_unit(what));
    }
}

awaitable<> pod_acts::probe(pod_action what) {
    auto const& asked = *probe_of(pod_.definition_of(what.unit), what.probe);
    auto const deadline = pod_.on.time.now() + asked.rules.timeout;
    auto asking = ask(pod_.key_of(what.unit, what.attempt), asked.action, deadline);
    auto const answer = co_await std::move(asking);
    take_answer(what, answer);
}

awaitable<result<probe_answer>> pod_acts::ask(container_key key, probe_action what, time_point deadline) {
    if (auto* const program = std::get_if<exec_action>(&what)) {
        exec_request request{.key = std::move(key), .command = std::move(program->command), .deadline = deadline};
        auto const ended = co_await pod_.containers->exec(std::move(request));
        co_return answer_of(ended);
    }
    auto const& addresses = pod_.status().addresses;
    auto address = addresses.empty() ? std::string() : addresses.front();
    auto question = network_part(std::move(what));
    co_return co_await pod_.on.probes.ask(std::move(address), std::move(question), deadline);
}

void pod_acts::take_answer(pod_action const& what, result<probe_answer> const& answer) {
    auto& machine = *pod_.machine;
    if (machine.attempt(what.unit) != what.attempt) return;
    if (!answer)
        pod_.on.out.debug("a probe was not made",
                          {{"instance", pod_.mine->fields.name}, {"error", to_string(answer.error())}});
    auto const had_to_end = machine.ends(what.unit);
    auto const success = answer ? std::optional(answer->success) : std::nullopt;
    machine.probed(what.unit, what.attempt, what.probe, success, pod_.on.time.now());
    pod_.look_again();
    if (!answer) return;
    auto const& asked = *probe_of(pod_.definition_of(what.unit), what.probe);
    auto const failed = answer->success ? std::string() : describe_probe(what.probe, asked.action, answer->message);
    if (!had_to_end && machine.ends(what.unit)) return notes_.mark_stopping(what.unit, failed);
    notes_.take_probe(what.unit, what.probe, failed);
}

awaitable<> pod_acts::run_hook(pod_action what) {
    auto const& of = pod_.definition_of(what.unit);
    auto const& hook = what.hook == hook_kind::post_start ? of.post_start : of.pre_stop;
    auto doing = do_hook(pod_.key_of(what.unit, what.attempt), *hook);
    auto const done = co_await std::move(doing);
    auto& machine = *pod_.machine;
    auto const had_to_end = machine.ends(what.unit);
    auto const is_success = done && done->success;
    if (!is_success) {
        auto const has_it_ended = co_await has_ended(pod_.key_of(what.unit, what.attempt));
        if (has_it_ended) co_return;  // which has ended the hook
    }
    machine.hooked(what.unit, what.attempt, what.hook, is_success, pod_.on.time.now());
    pod_.look_again();
    if (is_success) co_return;
    auto const why = describe_hook(what.hook, done ? done->message : to_string(done.error()));
    pod_.on.out.warning(
        "a hook failed",
        {{"instance", pod_.mine->fields.name}, {"container", pod_.rules.units[what.unit].name}, {"why", why}});
    if (what.hook == hook_kind::pre_stop && machine.attempt(what.unit) == what.attempt)
        add_to_stopping(pod_.status_of(what.unit), why);
    if (!had_to_end && machine.ends(what.unit)) notes_.mark_stopping(what.unit, why);
}

/// Its end may be told a moment after that of what ran in it.
awaitable<bool> pod_acts::has_ended(container_key key) {
    auto const deadline = pod_.on.time.now() + end_wait;
    auto ending = pod_.containers->wait_container(std::move(key));
    auto const ended = co_await with_deadline(pod_.on.time, deadline, std::move(ending));
    co_return ended.has_value();
}

/// Without a time limit of its own: what takes longer than the grace of its container is killed with it.
awaitable<result<probe_answer>> pod_acts::do_hook(container_key key, hook_action what) {
    if (auto const* const pause = std::get_if<sleep_action>(&what)) {
        co_await pod_.on.time.sleep_for(pause->time);
        co_return probe_answer{.success = true};
    }
    auto action = action_of(std::move(what));
    auto const deadline = pod_.on.time.now() + hook_time_max;
    co_return co_await ask(std::move(key), std::move(action), deadline);
}

/// The runtime may be short of something when it is asked: it is asked again, as long as a container would have been
/// waited for, and not much longer than a kill may take.
awaitable<> pod_acts::stop_unit(pod_action what) {
    auto& time = pod_.on.time;
    auto const last_try = time.now() + std::min(pod_.rules.grace, limits::kill_timeout);
    for (auto pause = limits::reconnect_pause_min;; pause = std::min(pause * 2, limits::reconnect_pause_max)) {
        auto const asked = co_await pod_.containers->stop_container(pod_.key_of(what.unit, what.attempt));
        auto const is_told = asked || is_not_running(asked.error());
        auto const is_last = time.now() + pause > last_try;
        if (is_told || is_last) {
            if (!is_told) log_failure("container is killed without its stop signal", what, asked.error());
            pod_.machine->stopped(what.unit, what.attempt, is_told, time.now());
            co_return pod_.look_again();
        }
        co_await time.sleep_for(pause);
    }
}

awaitable<> pod_acts::kill_unit(pod_action what) {
    auto const killed = co_await pod_.containers->kill_container(pod_.key_of(what.unit, what.attempt));
    if (killed || is_not_running(killed.error())) co_return;
    log_failure("a container cannot be killed; trying again", what, killed.error());
}

void pod_acts::log_failure(char const* message, pod_action const& what, error const& why) const {
    pod_.on.out.error(message, {{"instance", pod_.mine->fields.name},
                                {"container", pod_.rules.units[what.unit].name},
                                {"error", to_string(why)}});
}

}  // namespace rik::detail
