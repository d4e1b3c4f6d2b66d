// Waiting for one object after the other, with one deadline; shared by create, delete and wait.
#pragma once

#include <rik/client/wait.hpp>

#include <string>
#include <vector>

#include "session.hpp"

namespace rikctl {

struct wait_for_all_request {
    rik::resource_kind kind;
    std::vector<std::string> names;
    rik::wait_goal goal;
    std::string timeout;  ///< as on the command line
};

/// Says of each object how it went.
exit_code wait_for_all(session& with, rik::client& server, wait_for_all_request const& request);

}  // namespace rikctl
