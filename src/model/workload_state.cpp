// What a workload is said to be.
#include <rik/model/workload.hpp>
#include <rik/model/workload_progress.hpp>

namespace rik {

namespace {

bool gets_nowhere(workload_progress const& of) {
    auto const* const found = of.find(workload_condition_type::progressing);
    return found != nullptr && found->status == condition_status::no;
}

/// Something has failed and is wanted otherwise now.
workload_state after_failure(workload_progress const& before, workload_progress const& now) {
    if (before.generation == now.generation) return workload_state::failed;
    return before.release == now.release ? workload_state::scaling : workload_state::provisioning;
}

/// That instances die and are replaced changes nothing: they are as many as were wanted, soon.
workload_state after_active(workload_progress const& before, workload_progress const& now) {
    if (before.release != now.release) return workload_state::deploying;
    if (before.wanted != now.wanted) return workload_state::scaling;
    return gets_nowhere(now) ? workload_state::failed : workload_state::active;
}

bool is_suspended(workload const& row) {
    auto const& upkeep = row.definition->upkeep;
    return upkeep.cron ? upkeep.cron->is_suspended : upkeep.job->is_suspended;
}

/// A Job's conditions say all; what has an end is never revived.
workload_state state_of_job(workload_state from, workload_progress const& now, workload const& row) {
    using enum workload_state;
    if (from == succeeded || from == failed) return from;
    if (now.holds(workload_condition_type::complete)) return succeeded;
    if (now.holds(workload_condition_type::failed)) return failed;
    return is_suspended(row) ? paused : active;
}

}  // namespace

workload_state next_state(workload_state from, workload_progress const* before, workload_progress const& now,
                          workload const& wanted) {
    using enum workload_state;
    if (wanted.deleting_since || from == destroying || from == destroyed) return from == destroyed ? from : destroying;
    if (has_end(wanted.kind)) return state_of_job(from, now, wanted);
    if (from == succeeded) return from;
    if (wanted.paused_since && may_follow(from, paused)) return paused;
    if (now.is_complete) return active;
    if (before == nullptr) return provisioning;
    switch (from) {
        case paused: return scaling;
        case failed: return after_failure(*before, now);
        case active: return after_active(*before, now);
        default: return gets_nowhere(now) ? failed : from;
    }
}

workload_state state_of_row(workload const& row) {
    if (row.deleting_since) return workload_state::destroying;
    if (has_end(row.kind)) return is_suspended(row) ? workload_state::paused : workload_state::active;
    return row.paused_since ? workload_state::paused : workload_state::active;
}

/// What the row says may be newer than what its controller has said.
workload_state state_of(workload const& row, workload_progress const* progress) {
    auto const by_row = state_of_row(row);
    if (has_end(row.kind) && by_row != workload_state::destroying)
        return progress == nullptr ? by_row : state_of_job(progress->state, *progress, row);
    if (by_row != workload_state::active || !is_managed(row.kind)) return by_row;
    if (progress == nullptr) return workload_state::provisioning;
    if (progress->generation == row.generation) return progress->state;
    auto const is_counted = row.kind != workload_kind::daemon_set;
    workload_progress const coming{.release = row.current_release,
                                   .generation = row.generation,
                                   .wanted = is_counted ? row.wanted_replicas() : progress->wanted};
    return next_state(progress->state, progress, coming, row);
}

}  // namespace rik
