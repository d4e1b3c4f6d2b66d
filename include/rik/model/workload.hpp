// The stored form of workloads and their releases.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/meta.hpp>
#include <rik/model/state.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

/// An immutable, numbered snapshot of what a workload's instances are made from. They share it.
struct release {
    release_id id;
    workload_id workload;
    std::uint64_t number = 1;
    wall_time created_at = {};
    definition_ptr definition = {};
    resources requests = {};  ///< effective_requests(spec())

    instance_template const& spec() const { return definition->spec; }
};

using release_ptr = std::shared_ptr<release const>;

/// Makes the first release of `workload`. Precondition: `from` is not null.
release make_release(release_id const& id, workload_id const& workload, definition_ptr from);

/// A user has asked for the instances of a workload to start again in place.
struct restart_wish {
    wall_time at = {};        ///< what was made later is not meant
    bool is_at_once = false;  ///< false: one after the other, each when the one before is available again
    friend bool operator==(restart_wish const&, restart_wish const&) = default;
};

/// What happens to the instances of a workload that is deleted.
enum class cascade : std::uint8_t {
    all,     ///< they go, and the workload with the last of them
    orphan,  ///< they stay, and are nobody's
};

/// Its definition is the only truth about what is written in it; what stands beside it changes without it.
struct workload {
    workload_id id;
    std::string tenant = "default";
    std::string name;
    workload_kind kind = workload_kind::pod;
    definition_ptr definition = {};
    std::uint32_t replicas = 1;  ///< for bare kinds kept and not acted on
    release_id current_release = {};
    wall_time created_at = {};
    wall_time updated_at = {};     ///< when a user changed it last
    std::uint64_t generation = 1;  ///< grows with what is wanted
    std::optional<workload_id> owner = {};
    std::vector<std::string> finalizers = {};  ///< it stays until each is taken off, also without instances
    std::optional<wall_time> deleting_since = {};
    std::string applied = {};                    ///< the text that was applied last; empty: the definition's own
    std::uint64_t releases_made = 1;             ///< the highest number of a release, also of one that has gone
    std::optional<wall_time> paused_since = {};  ///< no instance is wanted; `replicas` remembers how many were
    std::optional<restart_wish> restart = {};    ///< the newest
    bool orphans_instances = false;              ///< being deleted, it leaves them

    /// How many instances are wanted now.
    std::uint32_t wanted_replicas() const { return paused_since ? 0 : replicas; }
    string_map const& labels() const { return definition->labels; }
    string_map const& annotations() const { return definition->annotations; }
};

/// Returns true if it is a bare Pod in Kubernetes' form: it comes with its one instance, of the same name, and goes
/// with it.
bool is_one_with_its_instance(workload const& row);

struct workload_progress;

/// `progress`: what is known of it; null: nothing, or it is not managed.
workload_state state_of(workload const& row, workload_progress const* progress);
/// As far as the row by itself says: active, paused or destroying.
workload_state state_of_row(workload const& row);

meta meta_of(workload const& row, revision at);
meta meta_of(release const& row, revision at);

}  // namespace rik
