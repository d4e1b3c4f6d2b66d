#include <node/pod_machine_detail.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace rik;
using namespace rik::detail;
using namespace std::chrono_literals;

namespace {

using what = pod_action::what;

unit_rules unit(std::string name, unit_role role = unit_role::main, restart_policy restart = restart_policy::always) {
    return {.name = std::move(name), .role = role, .restart = restart};
}

/// A Pod of `units` and the clock that it goes by.
struct fixture {
    pod_rules rules;
    time_point now = time_point() + 1h;
    pod_machine pod;

    explicit fixture(std::vector<unit_rules> units) : rules{.units = std::move(units)}, pod(rules, now) {}

    /// "start a#0, stop b#1": what is due now.
    std::string due() {
        std::string text;
        for (auto const& each : pod.take_due(now)) {
            static constexpr std::array words{"start", "probe", "hook", "stop", "kill"};
            text += (text.empty() ? "" : ", ") + std::string(words.at(static_cast<std::size_t>(each.kind))) + " " +
                    rules.units[each.unit].name + "#" + std::to_string(each.attempt);
            attempt[each.unit] = each.attempt;
            if (each.kind == what::stop && stops_are_told) pod.stopped(each.unit, each.attempt, true, now);
        }
        return text;
    }
    std::string due_after(duration passed) {
        now += passed;
        return due();
    }
    void started(std::size_t unit) { pod.started(unit, attempt[unit], now); }
    void exited(std::size_t unit, int code) { pod.exited(unit, attempt[unit], {code}, now); }
    void probed(std::size_t unit, probe_kind kind, bool success) {
        pod.probed(unit, attempt[unit], kind, success, now);
    }
    std::array<std::uint32_t, 8> attempt = {};
    bool stops_are_told = true;  ///< at once
};

}  // namespace

TEST_CASE("main units start together, and the Pod is ready when all run", "[pod_machine]") {
    fixture on({unit("a"), unit("b")});
    CHECK(on.due() == "start a#0, start b#0");
    CHECK(on.due().empty());
    on.started(0);
    CHECK_FALSE(on.pod.is_ready());
    on.started(1);
    CHECK(on.pod.is_ready());
    CHECK_FALSE(on.pod.next_look().has_value());
}

TEST_CASE(
    "a unit that ends starts again at once, then after delays that double, and from the beginning after ten minutes",
    "[pod_machine]") {
    fixture on({unit("a")});
    CHECK(on.due() == "start a#0");
    on.started(0);
    on.exited(0, 1);
    CHECK(on.due() == "start a#1");
    for (auto const delay : {10s, 20s, 40s, 80s, 160s, 300s, 300s}) {
        on.started(0);
        on.exited(0, 1);
        CHECK(on.due().empty());
        CHECK(on.pod.starts_at(0) == on.now + delay);
        CHECK(on.due_after(delay - 1ms).empty());
        CHECK_FALSE(on.due_after(1ms).empty());
    }
    CHECK(on.pod.restart_count(0) == 8);
    on.started(0);
    on.now += 10min;
    on.exited(0, 1);
    CHECK(on.due() == "start a#9");
}

TEST_CASE("a policy decides whether a unit starts again", "[pod_machine]") {
    for (auto const policy : {restart_policy::never, restart_policy::on_failure, restart_policy::always}) {
        for (auto const code : {0, 3}) {
            fixture on({unit("a", unit_role::main, policy)});
            on.due();
            on.started(0);
            on.exited(0, code);
            auto const restarts =
                policy == restart_policy::always || (policy == restart_policy::on_failure && code != 0);
            CHECK(on.due() == (restarts ? "start a#1" : ""));
            CHECK(on.pod.outcome() == (restarts ? std::nullopt : std::optional(code == 0)));
        }
    }
}

TEST_CASE("one failed unit of a Pod that never restarts does not end the others", "[pod_machine]") {
    fixture on({unit("a", unit_role::main, restart_policy::never), unit("b", unit_role::main, restart_policy::never)});
    on.due();
    on.started(0);
    on.started(1);
    on.exited(0, 1);
    CHECK(on.due().empty());
    CHECK_FALSE(on.pod.outcome().has_value());
    on.exited(1, 0);
    CHECK(on.pod.outcome() == false);
}

TEST_CASE("init units end one by one before the main ones start", "[pod_machine]") {
    fixture on({unit("i", unit_role::init), unit("j", unit_role::init), unit("a")});
    CHECK(on.due() == "start i#0");
    on.started(0);
    CHECK(on.due().empty());
    on.exited(0, 1);
    CHECK(on.due() == "start i#1");
    on.started(0);
    on.exited(0, 0);
    CHECK(on.due() == "start j#0");
    on.started(1);
    on.exited(1, 0);
    CHECK(on.due() == "start a#0");
    on.started(2);
    CHECK(on.pod.is_ready());
}

TEST_CASE("an init unit that fails for good fails the Pod", "[pod_machine]") {
    fixture on({unit("s", unit_role::sidecar), unit("i", unit_role::init, restart_policy::never), unit("a")});
    CHECK(on.due() == "start s#0");
    on.started(0);
    CHECK(on.due() == "start i#0");
    on.started(1);
    on.exited(1, 1);
    CHECK(on.due() == "stop s#0");
    on.exited(0, 143);
    CHECK(on.pod.outcome() == false);
}

TEST_CASE("sidecars start in order, each when the one before has started, and end after the main units in reverse",
          "[pod_machine]") {
    auto slow = unit("s", unit_role::sidecar);
    slow.probes[0] = probe_rules{.period = 1s};
    fixture on({slow, unit("t", unit_role::sidecar), unit("a", unit_role::main, restart_policy::never)});
    CHECK(on.due() == "start s#0");
    on.started(0);
    CHECK(on.due() == "probe s#0");
    on.probed(0, probe_kind::startup, false);
    CHECK(on.due_after(1s) == "probe s#0");
    on.probed(0, probe_kind::startup, true);
    CHECK(on.due() == "start t#0");
    on.started(1);
    CHECK(on.due() == "start a#0");
    on.started(2);
    on.exited(2, 0);
    CHECK(on.due() == "stop t#0");
    on.exited(1, 143);
    CHECK(on.due() == "stop s#0");
    on.exited(0, 143);
    CHECK(on.pod.outcome() == true);
}

TEST_CASE("a startup probe holds up the others, and ends a unit that does not start", "[pod_machine]") {
    auto watched = unit("a");
    watched.probes[0] = probe_rules{.initial_delay = 5s, .period = 10s, .failure_threshold = 2};
    watched.probes[2] = probe_rules{.period = 10s};
    fixture on({watched});
    on.due();
    on.started(0);
    CHECK(on.due().empty());
    CHECK(on.pod.next_look() == on.now + 5s);
    CHECK(on.due_after(5s) == "probe a#0");
    on.probed(0, probe_kind::startup, false);
    CHECK(on.due_after(10s) == "probe a#0");
    on.probed(0, probe_kind::startup, false);
    CHECK(on.due() == "stop a#0");
    on.exited(0, 143);
    CHECK(on.due() == "start a#1");
}

TEST_CASE("a liveness probe that fails three times ends its unit, and the grace is the probe's", "[pod_machine]") {
    auto watched = unit("a");
    watched.probes[2] = probe_rules{.grace = 3s};
    fixture on({watched});
    on.due();
    on.started(0);
    for (int i = 0; i < 3; ++i) {
        CHECK(on.due() == "probe a#0");
        on.probed(0, probe_kind::liveness, i == 1);  // a success in between begins the count anew
        on.now += 10s;
    }
    CHECK(on.due() == "probe a#0");
    on.probed(0, probe_kind::liveness, false);
    CHECK(on.due_after(10s) == "probe a#0");
    on.probed(0, probe_kind::liveness, false);
    CHECK(on.due() == "stop a#0");
    CHECK(on.due_after(2s).empty());
    CHECK(on.due_after(1s) == "kill a#0");
    on.exited(0, 137);
    CHECK(on.due() == "start a#1");
}

TEST_CASE("readiness follows its probe, and is false before the first answer", "[pod_machine]") {
    auto watched = unit("a");
    watched.probes[1] = probe_rules{.period = 1s, .success_threshold = 2, .failure_threshold = 1};
    fixture on({watched});
    on.due();
    on.started(0);
    for (auto const& [success, is_ready] :
         {std::pair(true, false), {true, true}, {false, false}, {true, false}, {true, true}}) {
        CHECK(on.due() == "probe a#0");
        on.probed(0, probe_kind::readiness, success);
        CHECK(on.pod.is_ready() == is_ready);
        on.now += 1s;
    }
    on.due();
    on.pod.probed(0, 0, probe_kind::readiness, std::nullopt, on.now);
    CHECK(on.pod.is_ready());
}

TEST_CASE("an end runs the hook, then tells, then kills, and starts nothing", "[pod_machine]") {
    auto hooked = unit("a");
    hooked.has_pre_stop = true;
    fixture on({hooked, unit("b")});
    on.due();
    on.started(0);
    on.pod.end(30s, on.now);
    CHECK(on.due() == "hook a#0");  // b is on its way, and is ended once it runs
    on.started(1);
    CHECK(on.due() == "stop b#0");
    on.pod.hooked(0, 0, hook_kind::pre_stop, true, on.now + 1s);
    CHECK(on.due_after(1s) == "stop a#0");
    on.exited(1, 143);
    CHECK(on.due_after(28s).empty());
    CHECK(on.due_after(1s) == "kill a#0");
    CHECK(on.due_after(limits::kill_timeout) == "kill a#0");
    on.exited(0, 137);
    CHECK(on.pod.outcome() == false);
    CHECK(on.due_after(1h).empty());
}

TEST_CASE("a post-start hook holds up readiness, and ends its unit if it fails", "[pod_machine]") {
    auto hooked = unit("a");
    hooked.has_post_start = true;
    fixture on({hooked});
    on.due();
    on.started(0);
    CHECK(on.due() == "hook a#0");
    CHECK_FALSE(on.pod.is_ready());
    on.pod.hooked(0, 0, hook_kind::post_start, false, on.now);
    CHECK(on.due() == "stop a#0");
    on.exited(0, 143);
    CHECK(on.due() == "start a#1");
    on.started(0);
    CHECK(on.due() == "hook a#1");
    on.pod.hooked(0, 0, hook_kind::post_start, false, on.now);  // of the attempt before
    on.pod.hooked(0, 1, hook_kind::post_start, true, on.now);
    CHECK(on.pod.is_ready());
}

TEST_CASE("a restart that is asked for comes at once, whatever the policy", "[pod_machine]") {
    fixture on({unit("i", unit_role::init), unit("a", unit_role::main, restart_policy::never)});
    on.due();
    on.started(0);
    on.exited(0, 0);
    on.due();
    on.started(1);
    on.pod.restart(on.now);
    CHECK(on.due() == "stop a#0");
    on.exited(1, 0);
    CHECK(on.due() == "start a#1");
    CHECK(on.pod.restart_count(1) == 1);
    CHECK_FALSE(on.pod.outcome().has_value());
}

TEST_CASE("a restart that is asked for starts what has ended, too, and ends the delay of an init unit",
          "[pod_machine]") {
    fixture on({unit("i", unit_role::init), unit("a", unit_role::main, restart_policy::never),
                unit("b", unit_role::main, restart_policy::never)});
    on.due();
    for (int failures = 0; failures < 4; ++failures) {
        on.started(0);
        on.exited(0, 1);
        on.due();
    }
    CHECK(on.due().empty());
    on.pod.restart(on.now);
    CHECK(on.pod.is_restarting());
    CHECK(on.due() == "start i#2");
    on.started(0);
    CHECK_FALSE(on.pod.is_restarting());
    on.exited(0, 0);
    on.due();
    on.started(1);
    on.started(2);
    on.exited(1, 3);
    CHECK(on.due().empty());
    on.pod.restart(on.now);
    CHECK(on.due() == "start a#1, stop b#0");
    on.exited(2, 0);
    CHECK(on.due() == "start b#1");
    on.started(1);
    CHECK(on.pod.is_restarting());
    on.started(2);
    CHECK_FALSE(on.pod.is_restarting());
}

TEST_CASE("a sidecar that waits for its next attempt when its Pod ends is what it was after the one before",
          "[pod_machine]") {
    fixture on({unit("s", unit_role::sidecar), unit("a", unit_role::main, restart_policy::never)});
    on.due();
    on.started(0);
    on.due();
    on.started(1);
    for (int failures = 0; failures < 2; ++failures) {
        on.exited(0, 3);
        on.due();
        on.started(0);
    }
    CHECK(on.pod.restart_count(0) == 2);
    on.exited(1, 0);
    CHECK(on.pod.restart_count(0) == 1);
    CHECK(on.pod.outcome() == true);
}

TEST_CASE("a restart that was begun is finished by the next agent, whatever the policy", "[pod_machine]") {
    for (auto const policy : {restart_policy::never, restart_policy::on_failure, restart_policy::always}) {
        fixture on({unit("a", unit_role::main, policy), unit("b", unit_role::main, policy)});
        on.due();
        on.started(0);
        on.started(1);
        on.pod.restart(on.now);
        CHECK(on.due() == "stop a#0, stop b#0");
        on.exited(0, 0);
        CHECK(on.due() == "start a#1");
        on.started(0);
        on.pod = pod_machine(on.rules, on.pod.remember(on.now), on.now);
        on.pod.found_running(0, on.now, on.now);
        on.pod.found_running(1, on.now - 1h, on.now);
        CHECK(on.pod.is_restarting());
        CHECK(on.due() == "stop b#0");  // a has started again, and is not ended once more
        on.exited(1, 0);
        CHECK(on.due() == "start b#1");
        CHECK(on.pod.is_restarting());
        on.pod = pod_machine(on.rules, on.pod.remember(on.now), on.now);
        CHECK(on.pod.is_restarting());  // b has not started again yet
        on.pod.found_running(0, on.now, on.now);
        CHECK(on.due() == "start b#1");
        on.started(1);
        CHECK_FALSE(on.pod.is_restarting());
        CHECK_FALSE(on.pod.outcome());
    }
}

TEST_CASE("a restart of a Pod that ends is over with it", "[pod_machine]") {
    fixture on({unit("a")});
    on.due();
    on.started(0);
    on.pod.restart(on.now);
    on.due();
    on.pod.end(30s, on.now);
    on.exited(0, 0);
    CHECK_FALSE(on.pod.is_restarting());
    CHECK(on.pod.outcome() == true);
}

TEST_CASE("a unit that a probe ends starts again whatever it exits with, unless its policy is Never", "[pod_machine]") {
    for (auto const kind : {probe_kind::startup, probe_kind::liveness}) {
        for (auto const policy : {restart_policy::never, restart_policy::on_failure, restart_policy::always}) {
            for (auto const is_taken_over : {false, true}) {
                auto watched = unit("a", unit_role::main, policy);
                watched.probes[static_cast<std::size_t>(kind)] = probe_rules{.failure_threshold = 1, .grace = 7s};
                fixture on({watched});
                on.due();
                on.started(0);
                on.due();
                on.probed(0, kind, false);
                CHECK(on.due() == "stop a#0");
                if (is_taken_over) {
                    on.pod = pod_machine(on.rules, on.pod.remember(on.now), on.now);
                    on.pod.found_running(0, on.now - 1h, on.now);
                    CHECK(on.due() == "stop a#0");
                }
                CHECK(on.pod.next_look() == on.now + 7s);
                on.exited(0, 0);
                CHECK(on.due() == (policy == restart_policy::never ? "" : "start a#1"));
                CHECK(on.pod.outcome() ==
                      (policy == restart_policy::never ? std::optional(true) : std::optional<bool>()));
            }
        }
    }
}

TEST_CASE("a unit has two seconds with its signal, however long its hook takes", "[pod_machine]") {
    auto hooked = unit("a");
    hooked.has_pre_stop = true;
    for (auto const hook_time : {3s, 5s, 60s}) {
        fixture on({hooked});
        on.due();
        on.started(0);
        on.pod.end(5s, on.now);
        CHECK(on.due() == "hook a#0");
        on.now += std::min(hook_time, 5s);
        if (hook_time < 60s) on.pod.hooked(0, 0, hook_kind::pre_stop, true, on.now);
        CHECK(on.due() == "stop a#0");
        CHECK(on.due_after(1999ms).empty());
        CHECK(on.due_after(1ms) == "kill a#0");
    }
}

TEST_CASE("sidecars are told to end when the main units have used up the grace", "[pod_machine]") {
    fixture on({unit("s", unit_role::sidecar), unit("t", unit_role::sidecar), unit("a")});
    for (std::size_t i = 0; i < 3; ++i) {
        on.due();
        on.started(i == 2 ? 2 : i);
    }
    on.pod.end(3s, on.now);
    CHECK(on.due() == "stop a#0");
    CHECK(on.due_after(3s) == "kill a#0");
    on.exited(2, 137);
    CHECK(on.due() == "stop s#0, stop t#0");
    CHECK(on.due_after(2s) == "kill s#0, kill t#0");
}

TEST_CASE("without a grace a unit is killed at once", "[pod_machine]") {
    auto hooked = unit("a");
    hooked.has_pre_stop = true;
    fixture on({hooked});
    on.due();
    on.started(0);
    on.pod.end(0s, on.now);
    CHECK(on.due() == "kill a#0");
}

TEST_CASE("a post-start hook whose end is not known is run again by the next agent", "[pod_machine]") {
    for (auto const is_done : {false, true}) {
        auto hooked = unit("a");
        hooked.has_post_start = true;
        hooked.probes[0] = probe_rules{};
        fixture on({hooked});
        on.due();
        on.started(0);
        CHECK(on.pod.awaits_hook(0));
        CHECK(on.due() == "hook a#0");
        CHECK(on.pod.awaits_hook(0));
        if (is_done) on.pod.hooked(0, 0, hook_kind::post_start, true, on.now);
        on.pod = pod_machine(on.rules, on.pod.remember(on.now), on.now);
        on.pod.found_running(0, on.now, on.now);
        CHECK(on.pod.awaits_hook(0) == !is_done);
        CHECK_FALSE(on.pod.is_ready());
        CHECK(on.due() == (is_done ? "probe a#0" : "hook a#0"));
    }
}

TEST_CASE("what is remembered goes on: counts, delays, what has started", "[pod_machine]") {
    fixture on({unit("i", unit_role::init), unit("a"), unit("b")});
    on.due();
    on.started(0);
    on.exited(0, 0);
    on.due();
    on.started(1);
    on.started(2);
    on.exited(1, 1);
    CHECK(on.due() == "start a#1");
    on.started(1);
    on.exited(1, 1);
    on.now += 4s;
    pod_machine after(on.rules, on.pod.remember(on.now), on.now);
    after.found_running(2, on.now - 10s, on.now);
    CHECK(after.take_due(on.now).empty());
    CHECK(after.starts_at(1) == on.now + 6s);
    CHECK(after.restart_count(1) == 2);
    CHECK(after.is_ready(2));
    CHECK(after.is_ready(0));
    CHECK(after.take_due(on.now + 6s) == std::vector<pod_action>{{what::start, 1, 2}});
}

TEST_CASE("the grace of a unit begins when its stop signal was sent", "[pod_machine]") {
    for (auto const is_sent : {true, false}) {
        fixture on({unit("a")});
        on.stops_are_told = false;
        on.due();
        on.started(0);
        on.pod.end(10s, on.now);
        CHECK(on.due() == "stop a#0");
        CHECK_FALSE(on.pod.next_look());
        CHECK(on.due_after(15s).empty());
        on.pod.stopped(0, 0, is_sent, on.now);
        CHECK(on.due() == (is_sent ? "" : "kill a#0"));
        CHECK(on.due_after(10s) == "kill a#0");
        CHECK(on.pod.hangs() == !is_sent);
    }
}

TEST_CASE("a restart that is asked for ends a delay", "[pod_machine]") {
    fixture on({unit("a")});
    for (int i = 0; i < 3; ++i) {
        on.due_after(20s);
        on.started(0);
        on.exited(0, 1);
    }
    CHECK(on.due().empty());
    on.pod.restart(on.now);
    CHECK(on.due() == "start a#3");
}
