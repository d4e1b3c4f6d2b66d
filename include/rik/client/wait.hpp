// Waiting for a state: what a watch says, judged.
#pragma once

#include <rik/base/result.hpp>
#include <rik/client/client.hpp>
#include <rik/client/resource_kind.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rik {

/// `running` is met by instances that run; `finished` by those whose processes have ended, however; `deleted` when
/// nothing is left; `state` when it is `state_word`; `started` by what runs or has finished.
struct wait_goal {
    enum class what : std::uint8_t { running, started, finished, deleted, state } kind = what::running;
    std::string state_word = {};
};
std::string to_string(wait_goal const& goal);

/// "running", "started", "finished", "deleted", "state=WORD". Errors: invalid, it is none of these or WORD no state.
result<wait_goal> parse_wait_goal(std::string_view text);

struct wait_verdict {
    enum class what : std::uint8_t { waiting, met, impossible } outcome = what::waiting;
    std::string why = {};  ///< for people: "web-1 is pending: no node has room"
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
    std::map<std::string, wait_verdict> by_id_;
};

/// Judges one object by itself. Errors: corrupt.
result<wait_verdict> judge(wait_goal const& goal, std::string_view object);

}  // namespace rik
