// Objects as the two faces of the API show them.
#pragma once

#include <rik/primary/operations.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// The names and states that rows refer to by id.
struct directory {
    std::map<workload_id, std::shared_ptr<workload const>> workloads = {};
    std::map<node_id, std::shared_ptr<node const>> nodes = {};

    workload const* find_workload(std::optional<workload_id> const& id) const;
    node const* find_node(std::optional<node_binding> const& binding) const;
    /// Is the node of `row` one that nobody hears? Then its state is not known.
    bool is_unheard(instance const& row) const;
};

directory make_directory(listing<workload> const& workloads, listing<node> const& nodes);

/// What the instances on a node take, and how many they are.
struct node_usage {
    resources requested = {};
    std::size_t instances = 0;
};

/// Of all nodes: what the primary counts when it promises room.
std::map<node_id, node_usage> usage_of(std::vector<stored<instance>> const& rows);

// --- v1: JSON texts, as docs/api-v1.md shows them

std::string workload_text(stored<workload> const& row, std::vector<std::string> const& warnings);
std::string instance_text(stored<instance> const& row, directory const& names);
std::string node_text(stored<node> const& row, node_usage const& usage);
std::string event_text(event const& happened);

// --- v0

/// A definition with everything that the original's clients need in it.
json::object v0_definition(workload const& row);
/// An instance, with the spec of its workload's definition if that is at hand.
json::object v0_instance(instance const& row, json::object const* definition, bool is_unheard);
std::string_view v0_state(instance const& row, bool is_unheard);

}  // namespace rik::detail
