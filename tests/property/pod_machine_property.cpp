// Properties of the pod_machine over generated Pods and histories: never two attempts of a unit at once; no start
// before its delay is over or before its turn; a unit is killed only after it had two seconds with its signal; one that
// was to be restarted starts again, and one that a probe has ended, too, unless its policy is Never; everything ends
// after an end; what is forgotten in a crash of the agent changes nothing of that.
#include <node/pod_machine_detail.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace rik;
using namespace rik::detail;
using namespace std::chrono_literals;

namespace {

/// A machine on which the units of a Pod run, and what must always hold of it.
class world {
public:
    explicit world(entropy& random) : random_(random), rules_(random_rules()), pod_(rules_, now_) {
        seen_.resize(rules_.units.size());
    }

    void run(int steps) {
        for (int i = 0; i < steps && !pod_.outcome(); ++i) step();
    }
    /// The Pod is told to end; then it must, whatever its units do.
    void end() {
        auto const grace = std::chrono::seconds(below(40));
        is_at_once_ = is_at_once_ || grace == 0s;
        pod_.end(grace, now_);
        auto const last = now_ + grace + 1h;
        while (!pod_.outcome() && now_ < last) step();
        CHECK(pod_.outcome().has_value());
        for (auto const& each : seen_) CHECK_FALSE(each.runs);
    }

private:
    struct unit_seen {
        bool is_starting = false;
        bool runs = false;
        bool is_killed = false;
        bool must_restart = false;               ///< when it ends
        std::optional<time_point> told_at = {};  ///< the signal was sent
        bool was_asked = false;                  ///< the signal could not be sent
        bool has_succeeded = false;
        bool had_started = false;
        std::optional<std::uint32_t> ran_last = {};  ///< the attempt
        std::uint32_t attempt = 0;
        time_point began_at = {};
        time_point due_at = {};  ///< when it may start again
    };
    struct errand {
        pod_action what;
        time_point due;
    };

    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool one_of(std::uint64_t count) { return below(count) == 0; }

    probe_rules random_probe() {
        return {.initial_delay = std::chrono::seconds(below(3)),
                .period = std::chrono::seconds(1 + below(10)),
                .success_threshold = 1,
                .failure_threshold = 1 + static_cast<unsigned>(below(3))};
    }
    pod_rules random_rules() {
        pod_rules made{.units = {}, .grace = std::chrono::seconds(below(30)), .delays = {}};
        auto const policy = static_cast<restart_policy>(below(3));
        auto const init_count = below(3);
        auto const count = init_count + 1 + below(3);
        for (std::uint64_t i = 0; i < count; ++i) {
            unit_rules one{.name = std::to_string(i), .role = unit_role::main, .restart = policy};
            if (i < init_count) one.role = one_of(2) ? unit_role::init : unit_role::sidecar;
            if (one.role == unit_role::sidecar) one.restart = restart_policy::always;
            if (one.role != unit_role::init)
                for (auto& probe : one.probes)
                    if (one_of(3)) probe = random_probe();
            one.has_post_start = one_of(5);
            one.has_pre_stop = one_of(5);
            made.units.push_back(std::move(one));
        }
        return made;
    }

    /// Acts, lets the time pass until something is due, and lets one thing happen.
    void step() {
        for (auto const& each : pod_.take_due(now_)) act(each);
        auto next = now_ + std::chrono::milliseconds(1 + below(20'000));
        if (auto const look = pod_.next_look()) next = std::min(next, std::max(*look, now_));
        for (auto const& each : errands_) next = std::min(next, std::max(each.due, now_));
        now_ = next;
        auto const due =
            std::find_if(errands_.begin(), errands_.end(), [&](errand const& each) { return each.due <= now_; });
        if (due != errands_.end()) {
            auto const what = due->what;
            errands_.erase(due);
            answer(what);
        }
        if (one_of(6)) exit_one();
        if (one_of(40)) crash();
        if (one_of(60)) restart();
    }

    /// Nothing that waits for its delay waits longer.
    void restart() {
        pod_.restart(now_);
        for (std::size_t i = 0; i < seen_.size(); ++i) {
            seen_[i].due_at = std::min(seen_[i].due_at, now_);
            if (rules_.units[i].role == unit_role::init) continue;
            seen_[i].must_restart = seen_[i].must_restart || seen_[i].runs;
            if (seen_[i].runs && !pod_.is_ending()) CHECK(pod_.is_restarting());
        }
    }

    /// Nothing but a Pod without a grace, or a signal that cannot be sent, shortens what a unit has after its signal.
    void check_kill(unit_seen const& of) const {
        if (is_at_once_ || rules_.grace == 0s || of.was_asked) return;
        REQUIRE(of.told_at);
        CHECK(now_ - *of.told_at >= 2s);
    }

    void act(pod_action const& what) {
        auto& unit = seen_[what.unit];
        switch (what.kind) {
            case pod_action::what::start: return check_start(what);
            case pod_action::what::kill:
                CHECK(unit.runs);
                check_kill(unit);
                unit.is_killed = true;
                return exit(what.unit, 137);
            case pod_action::what::stop:
                CHECK(unit.runs);
                errands_.push_back({what, now_ + std::chrono::seconds(below(60))});
                return;
            default: CHECK(unit.runs); errands_.push_back({what, now_ + std::chrono::milliseconds(below(8'000))});
        }
    }

    void check_start(pod_action const& what) {
        auto& unit = seen_[what.unit];
        REQUIRE_FALSE(unit.runs);
        REQUIRE_FALSE(unit.is_starting);
        CHECK_FALSE(pod_.is_ending());
        CHECK(now_ >= unit.due_at);
        CHECK((!unit.ran_last || what.attempt > *unit.ran_last));
        for (std::size_t i = 0; i < what.unit; ++i) {
            if (rules_.units[i].role == unit_role::init) CHECK(seen_[i].has_succeeded);
            if (rules_.units[i].role == unit_role::sidecar) CHECK(seen_[i].had_started);
        }
        unit.is_starting = true;
        unit.attempt = what.attempt;
        errands_.push_back({what, now_ + std::chrono::milliseconds(below(3'000))});
    }

    void answer(pod_action const& what) {
        auto& unit = seen_[what.unit];
        switch (what.kind) {
            case pod_action::what::start: return answer_start(what);
            case pod_action::what::stop: {
                auto const is_sent = !one_of(4);
                pod_.stopped(what.unit, what.attempt, is_sent, now_);
                if (unit.attempt != what.attempt) return;  // an answer that comes too late
                if (is_sent)
                    unit.told_at = now_;
                else
                    unit.was_asked = true;
                if (unit.runs && one_of(2)) exit(what.unit, one_of(2) ? 0 : 143);
                return;
            }
            case pod_action::what::probe: {
                auto const success = one_of(5) ? std::nullopt : std::optional(!one_of(4));
                auto const had_to_end = pod_.ends(what.unit);
                pod_.probed(what.unit, what.attempt, what.probe, success, now_);
                auto const is_by_probe = !had_to_end && pod_.ends(what.unit);
                if (is_by_probe && rules_.units[what.unit].restart != restart_policy::never) unit.must_restart = true;
                return;
            }
            default: return pod_.hooked(what.unit, what.attempt, what.hook, !one_of(6), now_);
        }
    }

    void answer_start(pod_action const& what) {
        auto& unit = seen_[what.unit];
        unit.is_starting = false;
        unit.began_at = now_;
        if (one_of(10)) {
            auto const before = pod_.restart_count(what.unit);
            pod_.not_started(what.unit, what.attempt, now_);
            return check_delay(what.unit, before);
        }
        unit.runs = true;
        unit.had_started = true;
        unit.ran_last = what.attempt;
        unit.told_at.reset();
        unit.was_asked = false;
        pod_.started(what.unit, what.attempt, now_);
    }

    void exit_one() {
        auto const which = below(seen_.size());
        if (seen_[which].runs) exit(which, one_of(2) ? 0 : static_cast<int>(1 + below(200)));
    }

    void exit(std::size_t which, int code) {
        auto& unit = seen_[which];
        unit.runs = false;
        unit.is_killed = false;
        if (code == 0) unit.has_succeeded = true;
        auto const before = pod_.restart_count(which);
        auto const must_restart = std::exchange(unit.must_restart, false) && !pod_.is_ending();
        pod_.exited(which, unit.attempt, {code}, now_);
        if (must_restart) CHECK(pod_.restart_count(which) == before + 1);
        check_delay(which, before);
    }

    /// A unit that has ended n times in a row waits for what is due; and only a restart that was asked for comes
    /// sooner.
    void check_delay(std::size_t which, std::uint32_t restarts_before) {
        auto const at = pod_.starts_at(which);
        if (!at || pod_.restart_count(which) == restarts_before) return;
        auto const delay = *at - now_;
        auto const is_legal = delay == duration() || (delay >= rules_.delays.first && delay <= rules_.delays.max);
        CHECK(is_legal);
        CHECK(delay == restart_delay(rules_.delays, pod_.remember(now_)[which].delay_level - 1));
        seen_[which].due_at = *at;
    }

    /// The agent dies and another goes on: what runs is found, what was on its way has not happened.
    void crash() {
        auto const memory = pod_.remember(now_);
        if (pod_.is_ending()) return;
        pod_ = pod_machine(rules_, memory, now_);
        errands_.clear();
        for (std::size_t i = 0; i < seen_.size(); ++i) {
            seen_[i].is_starting = false;
            seen_[i].told_at.reset();  // it is told again
            seen_[i].was_asked = false;
            if (seen_[i].runs) pod_.found_running(i, seen_[i].began_at, now_);
        }
    }

    entropy& random_;
    time_point now_ = time_point() + 24h;
    pod_rules rules_;
    pod_machine pod_;
    std::vector<unit_seen> seen_;
    std::vector<errand> errands_;
    bool is_at_once_ = false;
};

}  // namespace

TEST_CASE("whatever happens, a Pod keeps its promises, and ends when it is told to", "[property][pod_machine]") {
    seeded_entropy random(test_seed());
    for (int round = 0; round < 3000; ++round) {
        world on(random);
        on.run(static_cast<int>(random.below(200)));
        on.end();
    }
}
