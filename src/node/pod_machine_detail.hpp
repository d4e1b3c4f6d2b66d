// Decides what happens to the units of a Pod: what starts, is probed, is stopped, and when to look again. Pure: it
// neither waits nor acts. It knows units, whatever runs them: containers, or a microVM.
// A pod_actor has it done.
#pragma once

#include <rik/base/time.hpp>
#include <rik/model/definition.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

using unit_role = container_role;

enum class probe_kind : std::uint8_t { startup, readiness, liveness };
enum class hook_kind : std::uint8_t { post_start, pre_stop };

struct unit_rules {
    std::string name;
    unit_role role = unit_role::main;
    restart_policy restart = restart_policy::always;
    std::array<std::optional<probe_rules>, 3> probes = {};  ///< by probe_kind
    bool has_post_start = false;
    bool has_pre_stop = false;

    std::optional<probe_rules> const& probe(probe_kind kind) const { return probes[static_cast<std::size_t>(kind)]; }
};

struct pod_rules {
    std::vector<unit_rules> units;  ///< in the order in which they start
    duration grace = limits::grace_period_default;
    restart_delays delays = {};
};

/// How an attempt has ended. nullopt: nobody knows its code, which counts as failure.
struct unit_exit {
    std::optional<int> code = {};
    bool is_success() const { return code == 0; }
    friend bool operator==(unit_exit const&, unit_exit const&) = default;
};

/// What the machine wants done. It is told of the outcome of each but `kill`, whose outcome is the end of the unit.
struct pod_action {
    enum class what : std::uint8_t { start, probe, hook, stop, kill };
    what kind = what::start;
    std::size_t unit = 0;
    std::uint32_t attempt = 0;
    probe_kind probe = probe_kind::startup;
    hook_kind hook = hook_kind::post_start;
    friend bool operator==(pod_action const&, pod_action const&) = default;
};

/// Why a unit is told to end while its Pod goes on. It decides whether it starts again, and how long it has.
enum class unit_end_cause : std::uint8_t {
    none,      ///< it is not told to end, or its Pod ends
    hook,      ///< its post-start hook has failed: the policy decides
    startup,   ///< its startup probe has failed: it starts again unless the policy is Never
    liveness,  ///< its liveness probe has failed: the same
    restart,   ///< somebody asks for it: it starts again
};

/// What is remembered of a unit when the agent is restarted. Times are relative to the moment at which it was written.
struct unit_memory {
    std::uint32_t attempt = 0;  ///< the current one, or the next
    std::uint32_t restart_count = 0;
    std::uint32_t delay_level = 0;  ///< how often the delay has grown
    duration waits = {};            ///< until the next attempt
    bool has_started = false;
    bool has_ever_started = false;
    bool is_ready = false;
    bool is_done = false;
    std::optional<unit_exit> exit = {};
    bool is_hook_passed = false;                     ///< the post-start hook of the attempt has succeeded
    unit_end_cause ends_for = unit_end_cause::none;  ///< an end that was begun
    bool is_restarting = false;                      ///< a restart that was asked for is not done with it
};

enum class unit_phase : std::uint8_t {
    waiting,  ///< for its turn, or for its delay
    starting,
    running,
    done,  ///< ended, and does not start again
};

class pod_machine {
public:
    pod_machine(pod_rules rules, time_point now);
    /// Goes on from what was remembered. A unit that is found to run is said to by `found_running`; others wait.
    pod_machine(pod_rules rules, std::vector<unit_memory> const& memory, time_point now);

    /// The current attempt of `unit` runs, and has since `since`. An end of it that was begun is begun again at `now`,
    /// and so is its post-start hook, unless it is known to have succeeded.
    void found_running(std::size_t unit, time_point since, time_point now);

    // What has happened. An answer about another attempt than the current one is ignored.
    void started(std::size_t unit, std::uint32_t attempt, time_point now);
    /// Nothing of the attempt runs.
    void not_started(std::size_t unit, std::uint32_t attempt, time_point now);
    void exited(std::size_t unit, std::uint32_t attempt, unit_exit how, time_point now);
    /// nullopt: there was no answer, which means nothing.
    void probed(std::size_t unit, std::uint32_t attempt, probe_kind kind, std::optional<bool> success, time_point now);
    void hooked(std::size_t unit, std::uint32_t attempt, hook_kind kind, bool success, time_point now);
    /// The stop signal was sent, or could not be: then the unit is killed. Its grace begins here, however long it took.
    void stopped(std::size_t unit, std::uint32_t attempt, bool success, time_point now);
    /// Main units and sidecars that run are ended within the Pod's grace, and start again at once, whatever their
    /// policy; so do those that have ended. Whatever waits for its delay waits no longer.
    void restart(time_point now);
    /// A unit that such a restart was to start again does not run again yet, and may.
    bool is_restarting() const;
    /// From now on nothing starts, and all ends within `grace`; a later call may only shorten it.
    void end(duration grace, time_point now);

    /// What is to be done now. Each is given once; a kill again after limits::kill_timeout.
    std::vector<pod_action> take_due(time_point now);
    /// When take_due has something although nothing happens until then.
    std::optional<time_point> next_look() const;

    unit_phase phase(std::size_t unit) const { return units_[unit].phase; }
    bool has_started(std::size_t unit) const { return units_[unit].has_started; }
    bool is_ready(std::size_t unit) const;
    /// Its post-start hook holds up its start.
    bool awaits_hook(std::size_t unit) const { return units_[unit].hook_is_due || units_[unit].hook_runs; }
    /// It is told to end, and runs yet.
    bool ends(std::size_t unit) const { return units_[unit].ends.has_value(); }
    /// Nothing but itself holds up its start, or it is on its way.
    bool has_its_turn(std::size_t unit) const;
    std::uint32_t attempt(std::size_t unit) const { return units_[unit].attempt; }
    std::uint32_t restart_count(std::size_t unit) const { return units_[unit].restart_count; }
    /// When it starts again, while it waits for that.
    std::optional<time_point> starts_at(std::size_t unit) const;
    /// All units have come as far as they must for the Pod to count as ready.
    bool is_ready() const;
    /// The init units are done, and the sidecars have started.
    bool is_initialized() const;
    /// Something was killed twice, and has not ended.
    bool hangs() const;
    bool is_ending() const { return ends_at_.has_value(); }
    /// Set once nothing runs or will: did all main units end with 0?
    std::optional<bool> outcome() const;

    std::vector<unit_memory> remember(time_point now) const;

private:
    /// A unit that is told to end, step by step: its hook, its signal, and, when it takes too long, a kill.
    struct ending {
        unit_end_cause cause = unit_end_cause::none;
        time_point kill_at = {};
        time_point kill_at_min = {};  ///< however little is left of the grace when the signal is sent
        bool is_at_once = false;      ///< without a grace nothing is asked
        bool had_hook = false;
        bool hook_runs = false;
        bool is_told = false;
        std::optional<time_point> stop_began_at = {};  ///< the signal is on its way: until it is sent no time passes
        unsigned kill_count = 0;
    };
    struct probe_state {
        std::optional<time_point> next_at = {};  ///< nullopt: it is not made now
        bool is_on_its_way = false;
        unsigned successes = 0;
        unsigned failures = 0;
    };
    struct unit_state {
        unit_phase phase = unit_phase::waiting;
        std::uint32_t attempt = 0;
        std::uint32_t restart_count = 0;
        std::uint32_t delay_level = 0;
        time_point starts_at = {};
        time_point started_at = {};
        bool has_started = false;       ///< post-start hook and startup probe are passed
        bool has_ever_started = false;  ///< in any attempt: a restart holds up nobody
        bool hook_is_due = false;
        bool hook_runs = false;
        bool is_ready = false;  ///< as the readiness probe said last
        std::array<probe_state, 3> probes = {};
        bool is_hook_passed = false;
        std::optional<unit_exit> exit = {};
        std::optional<ending> ends = {};
        unit_end_cause ends_for = unit_end_cause::none;  ///< as it was remembered, until it is found to run
        bool is_restarting = false;                      ///< somebody wants it, and it has not started again
    };

    bool is_current(std::size_t unit, std::uint32_t attempt) const;
    bool may_start(std::size_t unit) const;
    bool is_passed(std::size_t unit) const;
    void begin_attempt(unit_state& of);
    void run(std::size_t unit, time_point since);
    void settle_start(std::size_t unit, time_point now);
    void begin_probe(std::size_t unit, probe_kind kind, time_point now);
    void end_unit(std::size_t unit, unit_end_cause cause, duration grace, time_point now);
    duration grace_after(std::size_t unit, unit_end_cause cause) const;
    void end_attempt(std::size_t unit, bool restarts, time_point now);
    void await_next_attempt(unit_state& of, time_point now);
    static void give_up_next_attempt(unit_state& of);
    void finish_if_over(time_point now);
    void end_in_order(time_point now);
    bool is_over(unit_role role) const;

    void start_due(time_point now, std::vector<pod_action>& into);
    void hooks_due(std::vector<pod_action>& into);
    void probes_due(time_point now, std::vector<pod_action>& into);
    void endings_due(time_point now, std::vector<pod_action>& into);
    void end_due(std::size_t unit, time_point now, std::vector<pod_action>& into);
    pod_action action(pod_action::what kind, std::size_t unit) const;

    pod_rules rules_;
    std::vector<unit_state> units_;
    std::optional<time_point> ends_at_;  ///< the Pod is ending: then the last is told or killed
    bool is_at_once_ = false;            ///< the Pod ends without a grace
    bool has_failed_ = false;            ///< an init unit has, for good
};

/// How long a unit waits that has ended `level` times in a row: 0, first, 2 first, ... max.
duration restart_delay(restart_delays const& by, std::uint32_t level);

}  // namespace rik::detail
