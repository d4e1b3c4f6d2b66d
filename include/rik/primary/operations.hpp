// What users can ask of a primary. The API, embedding programs and tests all call these.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/model/caller.hpp>
#include <rik/model/document.hpp>
#include <rik/model/held_image.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/log.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>
#include <rik/store/store.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

struct create_instances_request {
    workload_id workload;
    std::string name = {};       ///< empty: generated; only with replicas == 1
    std::uint32_t replicas = 1;  ///< 1 to limits::replicas_per_request_max
};

/// What is wrong with a request, whatever there is already.
std::optional<error> check(create_instances_request const& what);

/// Names an object by its uid or by its name; of workloads of two kinds with one name, `kind` says which.
struct object_ref {
    std::string id_or_name;
    std::optional<workload_kind> kind = {};
};

struct instance_filter {
    std::optional<workload_id> workload = {};
    std::optional<node_id> node = {};
};

/// Rows at one revision. A watch that goes on after `at` misses nothing.
template <class Row>
struct listing {
    store_position at = {};
    std::vector<stored<Row>> rows;
};

struct event_filter {
    std::string object_id = {};  ///< uid; empty: all
};

struct log_request {
    instance_id instance;
    std::string container = {};  ///< empty: the only one; of several the caller must name one
    log_options how = {};
};

/// An open log, readable from any thread, one call at a time. Destroying it ends the stream. It may outlive the
/// primary, but not the executor of its strand.
class log_source {
public:
    virtual ~log_source() = default;
    /// Empty at the end. Errors: what its node says; unavailable, the node or its link is gone.
    virtual awaitable<result<std::string>> read() = 0;
};

/// A watch, readable from any thread, one call at a time. The first batch is the rows at its start (each as a change
/// from nothing); `is_initial` is then true. Destroying it ends it. It may outlive the primary, which closes it when it
/// stops, but not the executor of its strand.
class watch_source {
public:
    struct batch {
        std::vector<change> changes;
        store_position at = {};  ///< after them; all are of its epoch
        bool is_initial = false;
    };
    virtual ~watch_source() = default;
    /// Errors: exhausted, it was too slow, or `after` cannot be gone on after: list and watch again; unavailable, the
    /// primary stops.
    virtual awaitable<result<batch>> next() = 0;
};

struct watch_request {
    table_id table = table_id::instance;
    /// Only the rows under it, before or after the change; empty: all. Instances: owner_index, node_index,
    /// pending_index; releases: "workload/UID"; documents: kind_index, about_index. Any other key has no rows.
    std::string index_key = {};
    std::optional<store_position> after = {};  ///< resume: no initial rows, changes after this position
};

/// Implemented by the primary. May be called from any thread: each call hops to the primary's strand and back.
/// A call that returns success for a change has made it durable. Reads give what is durable.
/// All: Errors: unavailable, the primary is starting or stopping.
/// Changes: Errors: denied, the caller may not; exhausted, too many changes wait for the disk; unavailable, it cannot
/// be written: then the change is not kept. Cancel: a change that was begun may be made all the same.
class operations {
public:
    virtual ~operations() = default;

    /// Errors: conflict, the name is taken in this tenant and kind.
    virtual awaitable<result<stored<workload>>> create_workload(caller who, workload_definition definition) = 0;
    /// Condemns its instances; its record goes with the last of them. Asked again, it goes on where it stopped.
    /// Errors: not_found. Cancel: waits until the deletion of all is durable.
    virtual awaitable<result<void>> delete_workload(caller who, workload_id which) = 0;
    /// All or none; but a crash in between leaves those that were made by then. Errors: not_found; invalid; conflict, a
    /// name is taken or the workload is being deleted; exhausted, no free name was found.
    virtual awaitable<result<std::vector<stored<instance>>>> create_instances(caller who,
                                                                              create_instances_request what) = 0;
    /// Durable when it returns; the instance is gone when its node confirms. Errors: not_found.
    virtual awaitable<result<void>> delete_instance(caller who, instance_id which) = 0;

    /// Errors: not_found; conflict, the name stands for several: say the kind.
    virtual awaitable<result<stored<workload>>> get_workload(caller who, object_ref which) = 0;
    virtual awaitable<result<stored<instance>>> get_instance(caller who, object_ref which) = 0;
    virtual awaitable<result<stored<node>>> get_node(caller who, object_ref which) = 0;
    /// Lists: oldest first.
    virtual awaitable<result<listing<workload>>> list_workloads(caller who) = 0;
    virtual awaitable<result<listing<instance>>> list_instances(caller who, instance_filter which) = 0;
    virtual awaitable<result<listing<node>>> list_nodes(caller who) = 0;
    /// Oldest first.
    virtual awaitable<result<listing<document>>> list_events(caller who, event_filter which) = 0;
    virtual awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_request what) = 0;

    /// Documents of one kind.
    virtual awaitable<result<listing<document>>> list_documents(caller who, std::string kind) = 0;
    /// Makes it or replaces it. Only of a kind that RIK keeps for users (tenant_kind).
    /// Errors: invalid, another kind, or a bad name or tenant; denied, also: another tenant's, and the caller is no
    /// admin.
    virtual awaitable<result<void>> put_document(caller who, document what) = 0;
    /// Errors: as put_document; not_found.
    virtual awaitable<result<void>> delete_document(caller who, document_key which) = 0;

    /// Errors: not_found; invalid, the container is not named or unknown; conflict, it has not started;
    /// unavailable, its node is not heard.
    virtual awaitable<result<std::unique_ptr<log_source>>> open_log(caller who, log_request what) = 0;

    /// What the node answers. Errors: denied, the caller is no admin: what is on a machine belongs to all tenants;
    /// not_found; unavailable, the node is not heard; those of `images`; conflict, an instance uses the image that is
    /// to go. Cancel: a pull is given up, unless somebody else waits for it.
    virtual awaitable<result<std::vector<held_image>>> call_images(caller who, node_id on, image_call what) = 0;

    /// Is the store open and a scheduler connected? The reason if not.
    virtual awaitable<result<void>> ready() = 0;
};

}  // namespace rik
