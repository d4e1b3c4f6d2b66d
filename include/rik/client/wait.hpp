// Waiting for a state: what a watch says, judged.
#pragma once

#include <rik/base/result.hpp>
#include <rik/client/client.hpp>
#include <rik/client/resource_kind.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rik {

/// `running` is met by instances that run; `finished` by those whose processes have ended, however, and so by those
/// that are gone; `deleted` when nothing is left; `state` when it is `state_word`, and "terminated" is what is gone;
/// `started` by what runs or has finished.
struct wait_goal {
    enum class what : std::uint8_t { running, started, finished, deleted, state } kind = what::running;
    std::string state_word = {};
};
std::string to_string(wait_goal const& goal);

/// "running", "started", "finished", "deleted", "state=WORD". Errors: invalid, it is none of these or WORD no state.
result<wait_goal> parse_wait_goal(std::string_view text);

/// Errors: invalid, no object of this kind is ever so.
result<void> check_wait_goal(resource_kind kind, wait_goal const& goal);

struct wait_verdict {
    enum class what : std::uint8_t { waiting, met, impossible } outcome = what::waiting;
    std::string why = {};  ///< for people, empty while nothing is known: "web-1 is pending: no node has room"
};

/// Follows one object, or all instances of a workload, and says whether the goal is reached or can be no more.
class wait_tracker {
public:
    /// Judges objects with this name or id; with an empty one, every object that it is fed.
    wait_tracker(wait_goal goal, std::string name_or_id);

    /// Errors: corrupt, the event's object is not JSON.
    result<void> feed(watch_event const& event);
    wait_verdict verdict() const;

private:
    bool concerns(std::string_view name, std::string_view id) const;
    wait_verdict verdict_of_none() const;

    wait_goal goal_;
    std::string name_or_id_;
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
    time_point holds_until = {};  ///< what is met before counts if it is still met then
    /// Called with every new `why` while nothing is decided, and every now and then with the last one. False: give up.
    std::function<bool(std::string_view why)> on_progress = {};
};

/// Waits until the goal is met, can be no more, or the deadline passes (then the outcome is `waiting`). Of a workload
/// `running`, `started` and `finished` mean all its instances. What is waited for is the object that has the name now:
/// a later one of the same name is another.
/// Errors: not_found, there is no such object, unless its deletion is waited for; as of client.
result<wait_verdict> wait_for(client& server, wait_request const& request);

}  // namespace rik
