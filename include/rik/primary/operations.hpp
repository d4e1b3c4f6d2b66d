// What users can ask of a primary. The API, embedding programs and tests all call these.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/caller.hpp>
#include <rik/model/container_log.hpp>
#include <rik/model/definition_change.hpp>
#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/job_record.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_image.hpp>
#include <rik/model/node_metrics.hpp>
#include <rik/model/replacement_stop.hpp>
#include <rik/model/rollout.hpp>
#include <rik/model/selection.hpp>
#include <rik/model/tenant.hpp>
#include <rik/model/usage_row.hpp>
#include <rik/model/workload.hpp>
#include <rik/model/workload_progress.hpp>
#include <rik/store/change.hpp>
#include <rik/store/epoch.hpp>
#include <rik/store/view.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik {

/// Names an object by its uid, or by its name within a tenant.
struct object_ref {
    object_ref() = default;
    object_ref(std::string by_id_or_name, std::optional<workload_kind> of_kind = std::nullopt)
        : id_or_name(std::move(by_id_or_name)), kind(of_kind) {}
    template <class Kind>
    object_ref(uid<Kind> const& id) : id_or_name(id.text()) {}

    std::string id_or_name;
    std::optional<workload_kind> kind;  ///< of workloads: two kinds may have one name
    std::string tenant;                 ///< of the name; empty: the caller's
};

/// The revision that an object must still be at when it is changed; `any_revision`: whatever it is at.
using expected_revision = std::optional<revision>;
inline constexpr expected_revision any_revision = std::nullopt;

/// A part of a list.
struct page {
    std::size_t count_max = 0;  ///< 0: all that is left
    std::string after = {};     ///< `next` of the part before; empty: the list begins
    bool wants_total = false;   ///< all that are meant are counted, also those of other parts
};

/// Rows of a list. It is read in slices: it has each object that is there all the while exactly once, and of those that
/// come and go meanwhile some. A watch that goes on after the `at` of the first part misses nothing.
template <class Row>
struct listing {
    store_position at = {};
    std::vector<stored<Row>> rows;
    std::string next = {};                  ///< where the next part begins; empty: this is the last
    std::optional<std::size_t> total = {};  ///< if it was asked for
};

/// A watch, readable from any thread, one call at a time. The first batch is the rows at its start (each as a change
/// from nothing); `is_initial` is then true. Destroying it ends it. It may outlive the primary, which closes it when it
/// stops, but not the executor of its strand.
class watch_source {
public:
    struct batch {
        std::vector<change> changes;  ///< empty: of what was asked for nothing has changed up to `at`
        store_position at = {};       ///< after them; all are of its epoch
        bool is_initial = false;
    };
    virtual ~watch_source() = default;
    /// Errors: exhausted, it was too slow, or the position cannot be gone on after: list and watch again; unavailable,
    /// the primary stops.
    virtual awaitable<result<batch>> next() = 0;
};

/// A watch that goes on: no initial rows, changes after this position. nullopt: it begins with the rows.
using watch_after = std::optional<store_position>;

/// An open log, readable from any thread, one call at a time. Destroying it ends the stream. It may outlive the
/// primary, but not the executor of its strand.
class container_log_source {
public:
    virtual ~container_log_source() = default;
    /// Empty at the end. Errors: what its node says; unavailable, the node or its link is gone.
    virtual awaitable<result<std::string>> read() = 0;
};

struct workload_filter {
    std::string tenant = {};  ///< empty: every tenant whose workloads the caller may see
    /// A watch, which looks at rows only, takes a managed workload for active until it is paused or destroying.
    selection chosen = {};
};

/// How a workload is deleted.
struct remove_options {
    remove_options(expected_revision at = any_revision, cascade of_instances = cascade::all)
        : expected(at), instances(of_instances) {}

    expected_revision expected;
    cascade instances;  ///< what becomes of them
};

/// How a workload is changed.
struct change_options {
    expected_revision expected = any_revision;  ///< 0: it must not be there yet
    bool is_dry_run = false;                    ///< all is checked and said, and nothing is done
};

enum class change_outcome : std::uint8_t { created, changed, unchanged };
std::string_view to_string(change_outcome outcome);  ///< "created", "changed", "unchanged"

/// What has become of a workload; of a dry run, what would.
struct workload_change {
    change_outcome outcome = change_outcome::unchanged;
    stored<workload> row = {};               ///< of a dry run that would create it: with revision 0
    std::vector<field_change> changes = {};  ///< of its definition
    /// What does not follow from the answer: which instances stay as they are, and which fields are not acted on.
    std::vector<std::string> warnings = {};
};

/// What a managed workload wants, has, did, and why it waits.
struct workload_story {
    stored<workload> row = {};
    std::optional<workload_progress> progress = {};  ///< nullopt: it is not managed, or was made a moment ago
    std::vector<rollout_step> steps = {};            ///< what was done, the newest last
    std::vector<stored<release>> releases = {};      ///< that are kept, in the order of their numbers
    bool has_restarted = false;                      ///< the restart that its row asks for is done
    std::optional<job_record> counts = {};           ///< of a Job: what has ended, and how
};

class workload_operations {
public:
    virtual ~workload_operations() = default;
    /// In the tenant that the definition names, else in the caller's. A bare Pod in Kubernetes' form gets its one
    /// instance, of the same name, in the same commit. Errors: conflict, the name is taken in this tenant and kind, or
    /// among the instances of the tenant, or the tenant is being deleted; not_found, the tenant does not exist.
    virtual awaitable<result<stored<workload>>> create(caller who, workload_definition definition) = 0;
    /// Makes a Job from the template of `which`, a CronJob, now, also if that is suspended. It belongs to the CronJob.
    /// `name` empty: one is made up. Errors: as get and as create; conflict, also: `which` is no CronJob, or is being
    /// deleted; invalid, the template makes no Job of this name.
    virtual awaitable<result<stored<workload>>> start_job(caller who, object_ref which, std::string name) = 0;
    /// Creates it, or makes what is there so: what was applied before and is left out now goes, what others have added
    /// stays (applied_text). No change of a bare definition touches an instance that is there: the warnings say so.
    /// Errors: as create, but that its own name is no conflict; invalid, what would come of it is no definition, or its
    /// kind, name, tenant or form would change; conflict, also: it is being deleted, or at another revision.
    virtual awaitable<result<workload_change>> apply(caller who, workload_definition definition,
                                                     change_options how) = 0;
    /// Merges a JSON merge patch into the definition (merge_patched). Errors: as get and as apply.
    virtual awaitable<result<workload_change>> change(caller who, object_ref which, std::string patch,
                                                      change_options how) = 0;
    /// Puts `definition` in the place of the one that is there. Errors: as get and as apply.
    virtual awaitable<result<workload_change>> replace(caller who, object_ref which, workload_definition definition,
                                                       change_options how) = 0;
    /// Condemns its instances, or lets go of them; its record goes with the last of them. Asked again, it goes on where
    /// it stopped, by its first word on its instances. Errors: as get; conflict, also: it is at another revision.
    /// Cancel: waits until the deletion of all is durable.
    virtual awaitable<result<void>> remove(caller who, object_ref which, remove_options how) = 0;
    /// Errors: not_found; conflict, the name stands for several: say the kind.
    virtual awaitable<result<stored<workload>>> get(caller who, object_ref which) = 0;
    /// Errors: as get.
    virtual awaitable<result<workload_story>> story(caller who, object_ref which) = 0;
    /// Of each of `which`, in their order; nullopt of one that is not managed, is not known, or was made a moment ago.
    /// It is kept up to date, and may be ahead of what is durable.
    virtual awaitable<result<std::vector<std::optional<workload_progress>>>> progress(
        caller who, std::vector<workload_id> which) = 0;
    /// In the order of tenants, kinds and names. Errors: not_found, the tenant of the filter does not exist.
    virtual awaitable<result<listing<workload>>> list(caller who, workload_filter which, page part) = 0;
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, workload_filter which,
                                                                   watch_after after) = 0;
};

struct create_instances_request {
    object_ref workload;
    std::string name = {};       ///< empty: generated; only with replicas == 1
    std::uint32_t replicas = 1;  ///< 1 to limits::replicas_per_request_max
};

/// What is wrong with a request, whatever there is already.
std::optional<error> check(create_instances_request const& what);

/// Instances that meet all that is given.
struct instance_filter {
    std::optional<workload_id> workload = {};
    std::optional<node_id> node = {};
    std::string tenant = {};  ///< empty: every tenant whose instances the caller may see
    /// A watch heeds its labels only: what the other fields say depends on more than the instance, and a list looks
    /// there.
    selection chosen = {};
};

class instance_operations {
public:
    virtual ~instance_operations() = default;
    /// All or none; but a crash in between leaves those that were made by then. Errors: not_found; invalid; conflict, a
    /// name is taken, the workload or its tenant is being deleted, or it is a bare Pod in Kubernetes' form, which has
    /// its one instance; exhausted, no free name was found.
    virtual awaitable<result<std::vector<stored<instance>>>> create(caller who, create_instances_request what) = 0;
    /// Durable when it returns; the instance is gone when its node confirms. With that of a bare Pod in Kubernetes'
    /// form goes the workload. Errors: not_found; conflict, it is at another revision.
    virtual awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) = 0;
    /// Asks its node to end its main containers and sidecars and to start them again: the same instance on the same
    /// node, with its network and volumes. Returns it, with the number that `status().restarts` reaches when its node
    /// obeys. Durable when it returns; a node that is not heard obeys when it is. Errors: not_found; conflict, it has
    /// no node yet, it has finished, it is being deleted, or it is at another revision.
    virtual awaitable<result<stored<instance>>> restart(caller who, object_ref which, expected_revision expected) = 0;
    /// Gives it labels of its own, in the place of its template's. A ReplicaSet or a DaemonSet whose selector means it
    /// no longer lets go of it; one whose selector means it takes it if it is nobody's. Errors: as restart; invalid, a
    /// label; exhausted, there are too many.
    virtual awaitable<result<stored<instance>>> relabel(caller who, object_ref which, label_changes what,
                                                        expected_revision expected) = 0;
    /// Errors: not_found.
    virtual awaitable<result<stored<instance>>> get(caller who, object_ref which) = 0;
    /// In the order of tenants and names. Errors: not_found, the tenant of the filter does not exist.
    virtual awaitable<result<listing<instance>>> list(caller who, instance_filter which, page part) = 0;
    /// Changes of instances that the filter took before or takes after.
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, instance_filter which,
                                                                   watch_after after) = 0;
};

/// What is promised on a node: to all that are bound to it, until they are gone or have vacated; and what is in use on
/// its machine, as it has said last.
struct node_usage {
    resources requested = {};
    std::size_t instances_count = 0;
    std::optional<node_metrics> measured = {};  ///< nullopt: it has not said it, or is not heard
};

/// What operators change of a node; what is not given stays.
struct node_change {
    std::optional<bool> is_cordoned = {};
    label_changes labels = {};
    std::vector<taint_change> taints = {};
};

struct drain_options {
    bool forces = false;  ///< also instances that nobody replaces
};

/// An instance that a drain leaves where it is.
struct kept_instance {
    stored<instance> which;
    std::string why;
};

/// What is on a node that is drained.
struct drain_report {
    std::vector<stored<instance>> leaving = {};  ///< condemned, and not gone yet
    std::vector<kept_instance> kept = {};
};

struct node_filter {
    selection chosen = {};
};

class node_operations {
public:
    virtual ~node_operations() = default;
    /// Returns the node as it is then. With a taint of the effect NoExecute what is on the node and does not tolerate
    /// it is condemned. Errors: as get; not_found, also: a taint that is to be taken off is not there; invalid, a
    /// label; exhausted, too many labels or taints; conflict, the node is at another revision.
    virtual awaitable<result<stored<node>>> update(caller who, object_ref which, node_change what,
                                                   expected_revision expected) = 0;
    /// Cordons the node, and condemns what is on it, with its grace. An instance that nobody replaces stays, unless it
    /// has ended or it is forced. Asked again, it condemns what has been left, and says what is left to go. Durable
    /// when it returns. Errors: as get. Cancel: waits until all of it is durable.
    virtual awaitable<result<drain_report>> drain(caller who, object_ref which, drain_options how) = 0;
    /// Forgets the node: its name and its Pod subnet are free. If its agent is still there it joins anew.
    /// Errors: as get; conflict, it is heard and not cordoned, instances are bound to it, or it is at another revision.
    virtual awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) = 0;
    /// Gives up a node that is not heard, for good: what is bound to it is gone, with its names and its room. If the
    /// machine comes back after all it is told to destroy what it has, and takes nothing new before it has done so.
    /// Until then an instance that was given up may run beside the one that takes its place.
    /// `confirmation` is the node's name. Returns what was given up.
    /// Errors: as get; invalid, the confirmation is another: the message says what is at stake; conflict, it is heard;
    /// exhausted, more is on it than one commit can change.
    virtual awaitable<result<std::vector<stored<instance>>>> declare_dead(caller who, object_ref which,
                                                                          std::string confirmation) = 0;
    /// Errors: not_found; conflict, the name stands for several.
    virtual awaitable<result<stored<node>>> get(caller who, object_ref which) = 0;
    /// In the order of names.
    virtual awaitable<result<listing<node>>> list(caller who, node_filter which, page part) = 0;
    awaitable<result<listing<node>>> list(caller who, page part) {
        return list(std::move(who), node_filter(), std::move(part));
    }
    /// Of each of `which`, in their order; zero of one that is not known. It is kept up to date, not counted for the
    /// call, and may be ahead of what is durable.
    virtual awaitable<result<std::vector<node_usage>>> usage(caller who, std::vector<node_id> which) = 0;
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_after after) = 0;
};

class image_operations {
public:
    virtual ~image_operations() = default;
    /// What the node answers. Errors: not_found; unavailable, the node is not heard; those of `images`; conflict, an
    /// instance uses the image that is to go. Cancel: a pull is given up, unless somebody else waits for it.
    virtual awaitable<result<std::vector<node_image>>> call(caller who, object_ref on, image_call what) = 0;
};

/// What instances use, and of which nodes it is not known.
struct usage_report {
    struct measured {
        stored<instance> who;
        usage_row used;
    };
    struct silent_node {
        std::string name;
        std::string reason;  ///< for people
    };
    std::vector<measured> rows = {};        ///< in no promised order
    std::vector<silent_node> missing = {};  ///< on which some of the instances run
};

class usage_operations {
public:
    virtual ~usage_operations() = default;
    /// Asks the nodes of those instances of `which` that run. A node that does not answer within five seconds is
    /// missing; an instance that began a moment ago may be, too. Errors: as a list of instances. Cancel: waits for the
    /// end.
    virtual awaitable<result<usage_report>> read(caller who, instance_filter which) = 0;
};

/// Events that meet all that is given.
struct event_filter {
    std::string object_id = {};  ///< uid; empty: of all objects that the caller may see
    std::string tenant = {};     ///< empty: every tenant whose events the caller may see
};

class event_operations {
public:
    virtual ~event_operations() = default;
    /// The oldest come first. Those about nodes are kept in the tenant default. Errors: not_found, the tenant of the
    /// filter does not exist.
    virtual awaitable<result<listing<document>>> list(caller who, event_filter which) = 0;
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, event_filter which,
                                                                   watch_after after) = 0;
};

/// What a new tenant is called, and what is said of it.
struct new_tenant {
    std::string name;
    string_map labels = {};
    string_map annotations = {};
    std::string verb = {};  ///< of v0, as `resource`
    std::string resource = {};
};

/// What is not given stays; nullopt takes a label or an annotation off.
struct tenant_change {
    label_changes labels = {};
    label_changes annotations = {};
};

/// How much goes with a tenant.
struct tenant_contents {
    std::size_t workloads_count = 0;
    std::size_t instances_count = 0;
};

/// `which` names a tenant by its name or its id; its `tenant` and `kind` mean nothing.
class tenant_operations {
public:
    virtual ~tenant_operations() = default;
    /// Errors: invalid; conflict, there is one of this name; exhausted, there are limits::tenants_max.
    virtual awaitable<result<stored<tenant_record>>> create(caller who, new_tenant what) = 0;
    /// Errors: as get; invalid, a label; exhausted, its texts are too long; conflict, it is at another revision.
    virtual awaitable<result<stored<tenant_record>>> update(caller who, object_ref which, tenant_change what,
                                                            expected_revision expected) = 0;
    /// From now on nothing is made in it. Condemns all that is in it; its record goes with the last thing in it, and
    /// with it the events and documents of the tenant. Asked again, it goes on where it stopped, and says what is left.
    /// Errors: as get; denied, also: it is `default`; conflict, it is at another revision.
    /// Cancel: waits until the deletion of all is durable.
    virtual awaitable<result<tenant_contents>> remove(caller who, object_ref which, expected_revision expected) = 0;
    /// Errors: not_found.
    virtual awaitable<result<stored<tenant_record>>> get(caller who, object_ref which) = 0;
    /// Those that the caller may see, in the order of names.
    virtual awaitable<result<listing<tenant_record>>> list(caller who, page part) = 0;
    /// The changes are of documents, as of parse_tenant.
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_after after) = 0;
};

/// What is asked of a workload that keeps its instances itself.
/// All that take `which`: Errors: not_found; conflict, the name stands for several, it is not managed, it is being
/// deleted, its state does not allow it (the message names both states), or it is at another revision. Durable when
/// they return.
class upkeep_operations {
public:
    virtual ~upkeep_operations() = default;
    /// Wants `replicas` instances, and changes nothing else; a paused workload is resumed with that. Errors, also:
    /// conflict, it is a DaemonSet, whose count is that of its nodes; invalid, the count.
    virtual awaitable<result<stored<workload>>> scale(caller who, object_ref which, std::uint32_t replicas,
                                                      expected_revision expected) = 0;
    /// Wants no instance, and remembers how many there were. Asked again, it changes nothing.
    virtual awaitable<result<stored<workload>>> pause(caller who, object_ref which, expected_revision expected) = 0;
    /// Wants as many as before it was paused. Errors, also: conflict, it is not paused.
    virtual awaitable<result<stored<workload>>> resume(caller who, object_ref which, expected_revision expected) = 0;
    /// Restarts its instances in place, those that are there now: one after the other, each when the one before is
    /// available again, or all at once. Its state stays active. The newest wish counts.
    virtual awaitable<result<stored<workload>>> restart(caller who, object_ref which, bool is_at_once,
                                                        expected_revision expected) = 0;
    /// In the order of their index; those without one come last, by name.
    virtual awaitable<result<listing<instance>>> list_instances(caller who, object_ref which, page part) = 0;
    /// The newest first.
    virtual awaitable<result<listing<release>>> list_releases(caller who, object_ref which, page part) = 0;

    /// nullopt: what is on nodes that are gone is replaced as usual.
    virtual awaitable<result<std::optional<replacement_stop>>> find_replacement_stop(caller who) = 0;
    /// Says that the nodes that are gone are lost: what is on them is replaced, although they are so many. Errors:
    /// conflict, replacing is not stopped.
    virtual awaitable<result<replacement_stop>> resume_replacement(caller who) = 0;
};

struct container_log_request {
    object_ref instance;
    std::string container = {};  ///< empty: the first main one
    container_log_options how = {};
};

/// Streams of bytes from, and later to, what runs on a node.
class stream_operations {
public:
    virtual ~stream_operations() = default;
    /// Errors: not_found, also: there was no attempt before; invalid, the container is unknown; conflict, it has not
    /// started; unavailable, its node is not heard.
    virtual awaitable<result<std::unique_ptr<container_log_source>>> open_container_log(caller who,
                                                                                        container_log_request what) = 0;
};

/// Implemented by the primary. May be called from any thread: each call hops to the primary's strand and back.
/// A call that returns success for a change has made it durable. Reads give what is durable.
/// All: Errors: denied, the caller may not (authorize.hpp); unavailable, the primary is starting or stopping.
/// Changes: Errors: exhausted, too many changes wait for the disk; unavailable, it cannot be written: then the change
/// is not kept. Cancel: a change that was begun may be made all the same.
class operations {
public:
    virtual ~operations() = default;
    virtual workload_operations& workloads() = 0;
    virtual upkeep_operations& upkeep() = 0;
    virtual instance_operations& instances() = 0;
    virtual node_operations& nodes() = 0;
    virtual image_operations& images() = 0;
    virtual usage_operations& usages() = 0;
    virtual event_operations& events() = 0;
    virtual tenant_operations& tenants() = 0;
    virtual stream_operations& streams() = 0;

    /// Succeeds while the store is open and a scheduler is connected. Errors: unavailable, with the reason.
    virtual awaitable<result<void>> ready() = 0;
};

}  // namespace rik
