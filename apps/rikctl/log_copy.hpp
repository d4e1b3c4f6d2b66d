// A log, copied to the output as it comes; shared by logs and run.
#pragma once

#include <rik/client/log_follower.hpp>

#include "session.hpp"

namespace rikctl {

/// Until its end, an interrupt or a closed output. Errors: unavailable, the connection broke.
rik::result<void> copy_log(session& with, rik::log_follower& log);

}  // namespace rikctl
