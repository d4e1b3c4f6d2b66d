// A machine that runs instances, as the primary knows it.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/meta.hpp>
#include <rik/model/resources.hpp>
#include <rik/model/state.hpp>

#include <string>
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
    std::vector<std::string> runtimes = {};   ///< "oci", "microvm"
    std::vector<std::string> addresses = {};  ///< of the machine
    std::vector<node_trouble> troubles = {};  ///< empty: it takes instances
    friend bool operator==(node_facts const&, node_facts const&) = default;
};

struct node {
    node_id id;
    node_facts facts;
    std::string pod_subnet = {};  ///< "10.210.3.0/24"; kept for ever
    node_state state = node_state::ready;
    wall_time state_since = {};
    wall_time created_at = {};
};

/// It was updated when its state began.
meta meta_of(node const& row, revision at);

}  // namespace rik
