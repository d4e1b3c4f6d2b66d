// Counts the ends of the instances of Jobs, in the commits that make them ends.
#pragma once

#include <rik/base/time.hpp>
#include <rik/store/transaction.hpp>
#include <rik/store/view.hpp>

#include <set>

namespace rik::detail {

/// Adds to `changes`, which come next after `head`, the records of Jobs whose instances end by them, and marks these
/// instances as counted. The ends of those in `excused` are marked and not counted. A record that cannot be read begins
/// anew.
void count_job_ends(view const& head, std::set<instance_id> const& excused, wall_time now, transaction& changes);

}  // namespace rik::detail
