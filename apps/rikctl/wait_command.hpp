// Waiting for one object after the other, with one deadline; shared by create, delete and wait.
#pragma once

#include <rik/client/wait.hpp>

#include <string>
#include <vector>

#include "session.hpp"

namespace rikctl {

struct awaited_object {
    std::string name;                  ///< as it is told
    std::string id = {};               ///< what to wait for; without it, what has the name
    std::string definition_kind = {};  ///< "Pod" or "Function", where workloads of both have the name
};

struct wait_for_all_request {
    rik::resource_kind kind;
    std::vector<awaited_object> objects;
    rik::wait_goal goal;
    rik::time_point deadline;
    bool tells_progress = false;  ///< on the standard error, after a moment
    bool was_reached = false;     ///< the server has answered a moment ago
    /// When all is met it must stay so for this time: what ends at once is told as ended.
    rik::duration stays_for = {};
};

/// Says of each object how it went.
exit_code wait_for_all(session& with, rik::client& server, wait_for_all_request const& request);

}  // namespace rikctl
