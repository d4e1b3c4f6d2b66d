// A machine that runs instances, as the primary knows it.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/string_map.hpp>
#include <rik/model/labels.hpp>
#include <rik/model/meta.hpp>
#include <rik/model/resources.hpp>
#include <rik/model/state.hpp>
#include <rik/model/taint.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// Why a node takes no new instances, although it is heard.
struct node_trouble {
    std::string reason;   ///< one word: "NetworkNotReady"
    std::string message;  ///< what is wrong, and the remedy
    friend bool operator==(node_trouble const&, node_trouble const&) = default;
};

/// What a node says of itself in its hello. It sends its troubles again whenever they change.
struct node_facts {
    std::string name;     ///< the host name
    std::string boot_id;  ///< changes with every boot of the machine
    std::string version;  ///< of rik
    resources capacity = {};
    string_map labels = {};
    std::vector<std::string> runtimes = {};  ///< "oci", "microvm"
    /// Of the others, what the machine lacks for them: completes "node a has", as "no conmon; install it with: ...".
    string_map missing_runtimes = {};
    std::vector<std::string> addresses = {};  ///< of the machine; first the one by which it reaches others
    std::vector<node_trouble> troubles = {};  ///< empty: it takes instances
    std::vector<taint> taints = {};           ///< taken over when it joins; from then on they are the operators'
    std::string pod_subnet = {};              ///< that it has from before; it keeps it if nobody else has it
    friend bool operator==(node_facts const&, node_facts const&) = default;
};

/// What a node that was declared dead may still have: an instance that is gone for the primary. It is forgotten when
/// the node says that it is gone there, too.
struct remnant {
    instance_id instance;
    revision fence = 0;
    friend bool operator==(remnant const&, remnant const&) = default;
};

/// What operators want of a node.
struct node_standing {
    bool is_cordoned = false;  ///< takes no new instances
    /// An operator has said that it is gone for good. It ends when the node is heard, and nothing of before is left on
    /// it.
    bool is_dead = false;
    std::vector<taint> taints = {};
    friend bool operator==(node_standing const&, node_standing const&) = default;
};

struct node {
    node_id id;
    node_facts facts;
    std::string pod_subnet = {};  ///< "10.210.3.0/24"; kept until the node is removed
    node_state state = node_state::ready;
    wall_time state_since = {};
    wall_time created_at = {};
    wall_time updated_at = {};     ///< when an operator changed it last
    std::uint64_t generation = 1;  ///< grows with what operators want
    node_standing standing = {};
    string_map operator_labels = {};     ///< labels that operators have set
    string_map labels = {};              ///< those that the node offers, with the operators' on top: `settle_labels`
    std::vector<remnant> remnants = {};  ///< of a dead node
};

/// Makes `labels` from the others. Must be called when one of them has changed.
void settle_labels(node& of);

/// Ends that it counts as dead if it is heard, and nothing of before is left on it.
void settle_death(node& of);

/// It was updated when its state began, or an operator changed it.
meta meta_of(node const& row, revision at);

}  // namespace rik
