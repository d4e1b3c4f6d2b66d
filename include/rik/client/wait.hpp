// Waits for a state, by what a watch says.
#pragma once

#include <rik/base/result.hpp>
#include <rik/client/client.hpp>
#include <rik/client/resource_kind.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

/// What is waited for:
/// - running: the instance runs.
/// - ready: the instance can be used; a node is heard and has no trouble.
/// - started: the instance runs or has finished.
/// - finished: its processes have ended, in whatever way; also if it is gone.
/// - deleted: it is gone.
/// - state: its state is `state_word`; "terminated" is an instance that is gone.
/// - condition: its condition `condition` has the status `state_word` ("True", "False", "Unknown"). Of a workload that
///   is the condition of all its instances, or a Job's own, as "Suspended", which is false until the Job has it.
/// - restarted: it has been started again in place `restarts` times, and is ready.
struct wait_goal {
    enum class what : std::uint8_t {
        running,
        ready,
        started,
        finished,
        deleted,
        state,
        condition,
        restarted
    } kind = what::running;
    std::string state_word = {};
    std::string condition = {};
    std::uint64_t restarts = 0;
};
std::string to_string(wait_goal const& goal);
/// Returns true if it is a condition of a Job itself, and not of instances.
bool is_job_condition(wait_goal const& goal);

/// Parses "running", "ready", "started", "finished", "deleted", "complete", "failed", "state=WORD" and
/// "condition=TYPE[=STATUS]", whose words may be in any case. Errors: invalid, it is none of these, WORD is not a
/// state, or there is no such condition.
result<wait_goal> parse_wait_goal(std::string_view text);

/// Errors: invalid, an object of this kind can never meet the goal.
result<void> check_wait_goal(resource_kind kind, wait_goal const& goal);
/// Errors: invalid, a workload of this kind ("Deployment") can never meet the goal.
result<void> check_wait_goal(std::string_view definition_kind, wait_goal const& goal);

struct wait_verdict {
    enum class what : std::uint8_t { waiting, met, impossible } outcome = what::waiting;
    std::string why = {};    ///< for people, empty while nothing is known: "web-1 is pending: no node has room"
    std::string name = {};   ///< of the object that decides, if there is one
    std::string state = {};  ///< of that object
};

/// Follows one object, or all instances of a workload, and says whether the goal is met or cannot be met any more.
class wait_tracker {
public:
    /// Looks at objects with this name or id; if it is empty, at every object that it is fed.
    wait_tracker(wait_goal goal, std::string name_or_id);

    /// The goal is not met by fewer: a workload may make its instances one after the other.
    void expect_at_least(std::size_t count) { expected_ = count; }

    /// Errors: corrupt, the event's object is not JSON.
    result<void> feed(watch_event const& event);
    wait_verdict verdict() const;

private:
    bool concerns(std::string_view name, std::string_view id) const;
    wait_verdict verdict_of_none() const;

    wait_goal goal_;
    std::string name_or_id_;
    std::size_t expected_ = 0;
    bool is_synced_ = false;
    bool was_seen_ = false;
    std::string seen_name_;
    std::map<std::string, wait_verdict> by_id_;
};

struct wait_request {
    resource_kind kind = resource_kind::instance;
    std::string name;                  ///< or id
    std::string definition_kind = {};  ///< "Pod" or "Function", where workloads of both have the name
    wait_goal goal = {};
    time_point deadline = {};
    time_point stays_until = {};  ///< a goal that is met before counts only if it is still met then
    /// Called with every new `why` while nothing is decided, and again and again with the last one. If it returns
    /// false, `wait_for` gives up.
    std::function<bool(std::string_view why)> on_progress = {};
    /// Called when the server is lost, with the reason, and with an empty one when it is there again.
    std::function<void(std::string_view reason)> on_connection = {};
    std::optional<duration> lost_max = {};  ///< how long to go on without the server; nullopt: until the deadline
    bool was_reached = false;               ///< the server was there a moment ago, so the first call is retried, too
};

/// Waits until the goal is met, cannot be met any more, or the deadline passes. In the last case the outcome is
/// `waiting`; if the server does not answer any more, `why` says so, and how old the news is. For a workload `running`,
/// `ready`, `started` and `finished` mean all its instances, and as many as it wants when the wait begins. It waits for
/// the object that has the name now; a later object of the same name does not count.
/// Errors: not_found, there is no such object, unless its deletion is waited for; invalid, it is a workload of a kind
/// that can never meet the goal; as of client.
result<wait_verdict> wait_for(client& server, wait_request const& request);

}  // namespace rik
