// Waiting for workloads that keep their instances themselves; shared by rollout, scale, pause, restart and apply.
#pragma once

#include <rik/client/client.hpp>

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

#include "named_workload.hpp"
#include "session.hpp"

namespace rikctl {

struct rollout_wait {
    std::string timeout;  ///< as the user has said it
    rik::time_point deadline;
    bool was_reached = true;  ///< the server has answered a moment ago
};

/// Says how far the workload is until it is rolled out, and while that takes long, what keeps it. Goes on when the
/// server is away for a while. Ends with a failure if it is paused, or its progress deadline has passed.
exit_code wait_rolled_out(session& with, rik::client const& server, named_workload const& which,
                          rollout_wait const& how);

/// Until all its instances have been started again in place.
exit_code wait_restarted(session& with, rik::client const& server, named_workload const& which,
                         rollout_wait const& how);

/// The workload, or rollout, in `found`. Errors: unsupported, it keeps no instances by itself.
rik::result<boost::json::value> managed(rik::result<std::string> const& found);

/// Is it of a kind ("Deployment") that keeps a count of instances, or one on each node?
bool keeps_instances(std::string_view kind);

bool is_cron_job(boost::json::value const& workload);
rik::error no_rollout(boost::json::value const& cron_job);

}  // namespace rikctl
