// One running copy of a workload's template on one node: one object with what is wanted, its binding, what was seen.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/rare.hpp>
#include <rik/model/state.hpp>
#include <rik/model/workload.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik {

/// The promise that an instance runs on `node` and nowhere else. Only moves forward: bound, condemned, gone.
/// `fence` is the revision of the commit that made it.
struct node_binding {
    node_id node;
    revision fence = 0;
    bool condemned = false;
    /// The instance has ended by itself, and its node has nothing of it but its row and its logs. Its room is free
    /// then, for good. An instance that was condemned before that keeps its room until it is gone.
    bool vacated = false;
    friend bool operator==(node_binding const&, node_binding const&) = default;
};

/// How an attempt of a container has ended.
struct container_end {
    std::string reason = {};
    std::string message = {};
    std::optional<int> exit_code = {};  ///< 128 + n when signal n ended it; nullopt: nobody knows
    std::optional<wall_time> started_at = {};
    std::optional<wall_time> finished_at = {};
    friend bool operator==(container_end const&, container_end const&) = default;
};

/// What was last seen of one container, in its newest attempt.
struct container_status {
    std::string name;
    container_role role = container_role::main;
    container_state state = container_state::waiting;
    std::string reason = {};   ///< one word: "ContainerCreating", "Completed", "Error", "OOMKilled", "ImagePullFailed"
    std::string message = {};  ///< for the user
    std::string image_digest = {};      ///< "sha256:...", of the image that it runs; empty: not known yet
    std::optional<int> exit_code = {};  ///< 128 + n when signal n ended it
    std::optional<wall_time> started_at = {};
    std::optional<wall_time> finished_at = {};
    std::uint32_t restart_count = 0;          ///< also the number of its attempt
    bool started = false;                     ///< its post-start hook and its startup probe are passed
    bool ready = false;                       ///< as its readiness probe says; an init container: it has ended with 0
    std::optional<wall_time> starts_at = {};  ///< it waits for that
    rare<container_end> last = {};            ///< of the attempt before
    friend bool operator==(container_status const&, container_status const&) = default;
};

/// What was last seen of an instance. `seq` counts the changes on its node; the highest wins.
struct instance_status {
    instance_state state = instance_state::pending;
    std::string reason = {};   ///< one word, CamelCase
    std::string message = {};  ///< for the user, whole sentence
    wall_time since = {};      ///< when `state` began
    std::uint64_t seq = 0;
    bool ready = false;
    std::optional<wall_time> ready_since = {};
    std::vector<std::string> addresses = {};
    std::optional<wall_time> initialized_at = {};  ///< when its init containers were done and its sidecars had started
    std::uint32_t restarts = 0;                    ///< those that were asked for and are obeyed: see instance_fields
    std::vector<container_status> containers = {};
    friend bool operator==(instance_status const&, instance_status const&) = default;
};

/// If the instance has failed or is being deleted, tells of each waiting container that it will not start ("PodFailed",
/// "PodDeleted"). A container that already says why it could not be started keeps saying that.
void explain_unstarted(instance_status& status);

/// Everything an instance is made from; the argument of its constructor and the way to a changed copy.
struct instance_fields {
    instance_id id;
    std::string tenant = "default";
    std::string name;
    std::optional<workload_id> owner = {};
    release_ptr made_from = {};
    wall_time created_at = {};
    std::uint64_t generation = 1;
    std::optional<node_binding> binding = {};
    std::optional<wall_time> deleting_since = {};
    std::uint32_t restarts = 0;               ///< how often a user has asked for a restart in place
    std::optional<std::uint32_t> index = {};  ///< its place among those of a workload that is kept at a count
    std::optional<node_id> meant_for = {};    ///< of a DaemonSet: the only node that may run it
    rare<string_map> labels = {};             ///< in the place of its template's; none: it has those
    /// The port of its node that leads to it, if needs_chosen_port; 0: none was chosen. It does not change once the
    /// instance is bound.
    std::uint16_t exposed_port = 0;
    bool is_counted = false;    ///< of a Job: its end is in the Job's record, or will never be
    bool is_disrupted = false;  ///< it has to go for the sake of its node: lost, or cleared
    instance_status status = {};
};

/// Immutable. Accessors, so that the layout can change. A changed copy: `auto next = i.fields(); ...; instance(next)`.
class instance {
public:
    explicit instance(instance_fields fields) : fields_(std::move(fields)) {}

    instance_id const& id() const { return fields_.id; }
    std::string const& tenant() const { return fields_.tenant; }
    std::string const& name() const { return fields_.name; }
    std::optional<workload_id> const& owner() const { return fields_.owner; }
    release_ptr const& made_from() const { return fields_.made_from; }
    instance_template const& spec() const { return fields_.made_from->spec(); }
    resources const& requests() const { return fields_.made_from->requests; }
    wall_time created_at() const { return fields_.created_at; }
    std::uint64_t generation() const { return fields_.generation; }
    std::optional<node_binding> const& binding() const { return fields_.binding; }
    std::optional<wall_time> const& deleting_since() const { return fields_.deleting_since; }
    std::uint32_t restarts() const { return fields_.restarts; }
    std::optional<std::uint32_t> const& index() const { return fields_.index; }
    std::optional<node_id> const& meant_for() const { return fields_.meant_for; }
    string_map const& labels() const { return fields_.labels ? *fields_.labels : spec().labels; }
    std::uint16_t exposed_port() const { return fields_.exposed_port; }
    bool is_counted() const { return fields_.is_counted; }
    bool is_disrupted() const { return fields_.is_disrupted; }
    instance_status const& status() const { return fields_.status; }
    instance_state state() const { return fields_.status.state; }

    bool is_pending() const { return !fields_.binding; }
    bool is_bound() const { return fields_.binding && !fields_.binding->condemned; }
    bool is_condemned() const { return fields_.binding && fields_.binding->condemned; }

    /// Returns true if its node's capacity and host ports are promised to it: from its binding until it is gone or
    /// vacated. What its containers are said to do changes nothing.
    bool occupies_room() const { return fields_.binding && !fields_.binding->vacated; }

    instance_fields const& fields() const { return fields_; }

private:
    instance_fields fields_;
};

/// Its annotations are those of its template; of a bare kind it has none. It was updated when its
/// state began, or its deletion was wanted.
meta meta_of(instance const& row, revision at);

}  // namespace rik
