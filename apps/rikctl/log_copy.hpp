// A log, copied to the output as it comes; shared by logs and run.
#pragma once

#include <rik/client/log_follower.hpp>

#include "session.hpp"

namespace rikctl {

/// What becomes of a container's standard error.
enum class errors_to { output, errors };

/// Says on the standard error what there is to say of a log.
rik::container_log_follower::teller notice_teller(session& with);

/// Until its end, an interrupt or a closed output. Errors: as container_log_follower::read.
rik::result<void> copy_log(session& with, rik::container_log_follower& log, errors_to where);

}  // namespace rikctl
