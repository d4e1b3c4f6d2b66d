// What the roles say to each other: five messages, each a batch of what is due.   Source: docs/protocol.md, section 3
#pragma once

#include <rik/base/id.hpp>
#include <rik/link/held_digest.hpp>
#include <rik/model/container_log.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_image.hpp>
#include <rik/model/node_metrics.hpp>
#include <rik/model/usage_row.hpp>
#include <rik/model/workload.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rik {

/// The version of what is said here. It grows when a message comes to mean something that an older peer would get
/// wrong.
inline constexpr std::uint32_t link_protocol = 1;

/// Roles of neighbouring versions work together, so that a cluster can be upgraded machine by machine.
constexpr bool can_speak(std::uint32_t own, std::uint32_t other) {
    return own <= other ? other - own <= 1 : own - other <= 1;
}

/// What a node can do beyond what its version says.
namespace link_feature {
inline constexpr std::string_view digests = "digests";  ///< it says a digest of what it holds
}

enum class item_want : std::uint8_t { place, run, destroy };

/// An instance as the scheduler sees it: to be placed, bound to a node, or condemned there.
struct item {
    instance_id instance;
    item_want want = item_want::place;
    release_ptr made_from;
    node_id node = {};          ///< of `run` and `destroy`
    revision fence = 0;         ///< of `run` and `destroy`
    std::string name = {};      ///< of the instance: its hostname, and for people
    bool occupies_room = true;  ///< false: it has ended and its node has vacated it; it never starts again
    std::string workload = {};  ///< the name of its workload, for people; set only if it has host ports
    instance_state state = instance_state::pending;  ///< with `seq`: the newest status that the primary has of it
    std::uint64_t seq = 0;
    std::uint32_t restarts = 0;      ///< instance_fields::restarts, until its node has said that it obeys; then 0
    std::uint16_t exposed_port = 0;  ///< see instance_fields
    /// Set if its containers are told of it: see told_index.
    std::optional<std::uint32_t> index = {};
    /// Of `run`, if its kind has_identities: the boot of its node in which it may start. Empty: the primary has not
    /// heard of one.
    std::string permitted_boot = {};
};

/// A node as the primary knows it.
struct registered_node {
    node_id node;
    std::string pod_subnet;
    std::string name = {};  ///< for people
    node_standing standing = {};
    string_map labels = {};              ///< those that the node offers, with the operators' on top
    std::vector<remnant> remnants = {};  ///< what it must destroy, if it has it: it was declared dead
};

/// Asks for a container's log.
struct container_log_call {
    instance_id instance;
    std::string container;
    container_log_options how = {};
};

/// What a node is asked to send. The answer to an image_call or a usage_call is one text, made by `encode`.
using stream_call = std::variant<container_log_call, image_call, usage_call>;

/// Asks a node to dial a stream. It is not durable: whoever asked gives up after limits::stream_dial_timeout.
struct stream_request {
    stream_id stream;
    node_id node;
    stream_call what;
};

/// primary -> scheduler. The items that have changed or were removed since the last batch. A batch may be sent in
/// parts; `complete` marks the last one, and the scheduler applies nothing before it.
struct facts {
    revision at = 0;
    bool complete = false;
    bool everything = false;  ///< what this batch does not name does not exist; set for the first batch of a session
    rik::cluster_id cluster = {};
    std::string cluster_cidr = {};
    std::vector<item> items = {};
    std::vector<instance_id> removed = {};
    std::vector<instance_id> refused = {};  ///< those whose proposals did not fit
    std::vector<registered_node> nodes = {};
    std::vector<node_id> removed_nodes = {};  ///< before `nodes`: one that has come back since is in both
    std::vector<stream_request> streams = {};
};

struct proposal {
    instance_id instance;
    node_id node;
};

/// Instances that fit nowhere, all for the same reason.
struct no_place {
    std::vector<instance_id> instances;
    std::string reason;
};

struct node_report {
    node_id node;
    bool heard = true;
    std::optional<node_facts> facts = {};  ///< set when the node said Hello
};

struct status_report {
    instance_id instance;
    revision fence = 0;
    instance_status status;
};

struct gone_report {
    instance_id instance;
    revision fence = 0;
    node_id node;
};

/// What is in use on a node, as it has said last.
struct load_report {
    node_id node;
    node_metrics metrics;
};

/// scheduler -> primary.
struct reports {
    std::vector<proposal> proposals = {};
    std::vector<no_place> unplaced = {};
    std::vector<node_report> nodes = {};
    std::vector<status_report> states = {};
    std::vector<gone_report> gone = {};
    std::vector<load_report> loads = {};
};

/// node -> scheduler, the first message of a session.
struct hello {
    node_id node;
    rik::cluster_id cluster = {};  ///< nil: the node has never joined one
    revision floor = 0;            ///< the highest revision of a destroy that it has obeyed
    node_facts facts;
    std::uint32_t protocol_version = link_protocol;
    std::vector<std::string> features = {};
    held_digest digest = {};
};

struct held_instance {
    instance_id instance;
    revision fence = 0;
    instance_status status;
};

struct gone_instance {
    instance_id instance;
    revision fence = 0;
};

/// node -> scheduler. What has changed or, with `inventory`, everything that the node holds. An inventory may be sent
/// in parts, and `complete` marks the last. An empty one is the heartbeat.
struct held {
    bool inventory = false;
    bool complete = true;     ///< of an inventory: nothing of it is to come
    held_digest digest = {};  ///< of all that the node has said that it holds, this message included
    std::vector<held_instance> states = {};
    std::vector<gone_instance> gone = {};
    std::optional<std::vector<node_trouble>> troubles = {};  ///< set when they have changed: all that it has now
    std::optional<node_metrics> metrics = {};                ///< set when they are due
};

struct order {
    instance_id instance;
    revision fence = 0;
    bool run = true;             ///< false: destroy
    release_ptr made_from = {};  ///< null: it is destroyed, or its node has the release
    std::string name = {};
    std::uint32_t restarts = 0;      ///< see instance_fields
    std::uint16_t exposed_port = 0;  ///< the same
    std::optional<std::uint32_t> index = {};
    std::string permitted_boot = {};  ///< see item
};

/// scheduler -> node. The first one of a session has the cluster and the node's network, or says why the scheduler
/// refuses the node: then it is the only one.
struct orders {
    revision at = 0;
    std::string refusal = {};   ///< for people; empty: it is not refused
    duration beat_period = {};  ///< how often the node must be heard; zero: as before
    std::optional<rik::cluster_id> cluster = {};
    std::string cluster_cidr = {};
    std::string pod_subnet = {};
    bool send_inventory = false;
    std::vector<order> due = {};
    std::vector<stream_request> streams = {};
};

using from_node = std::variant<hello, held>;

}  // namespace rik
