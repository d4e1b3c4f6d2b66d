// How a managed workload is kept, beside its definition: what is kept of that.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/document.hpp>
#include <rik/model/workload_progress.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rik {

struct workload;

inline constexpr std::string_view rollout_kind = "rollout";

/// Something that was done about a workload.
struct rollout_step {
    wall_time at = {};
    std::string what = {};  ///< for people: to which instance, and why
    friend bool operator==(rollout_step const&, rollout_step const&) = default;
};

/// How many instances of a release a Deployment wants.
struct sized_release {
    release_id release = {};
    release_size size = {};
    friend bool operator==(sized_release const&, sized_release const&) = default;
};

/// How far a restart in place has come. The instances have their turns in the order of their ids.
struct restart_course {
    wall_time asked_at = {};                  ///< of the restart_wish that it carries out
    std::optional<instance_id> reached = {};  ///< the last that was told to
    bool is_done = false;
    friend bool operator==(restart_course const&, restart_course const&) = default;
};

/// One document for each managed workload; it goes with that.
struct rollout_record {
    workload_id workload = {};
    std::vector<sized_release> sizes = {};
    /// As it was when one of its conditions changed; its counts are older than those that are shown.
    workload_progress progress = {};
    std::vector<rollout_step> steps = {};  ///< the newest last; at most limits::rollout_steps_max
    std::optional<restart_course> restart = {};
    friend bool operator==(rollout_record const&, rollout_record const&) = default;

    release_size const* find_size(release_id const& of) const;
    void set_size(release_id const& of, release_size size);
    void forget_size(release_id const& of);
    /// Drops the oldest if there are too many.
    void add_step(rollout_step done);
};

document_key rollout_key(workload const& of);
document to_document(rollout_record const& from, workload const& of);
/// Errors: corrupt, the document is none.
result<rollout_record> parse_rollout(document const& from);

}  // namespace rik
