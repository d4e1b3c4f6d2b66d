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

/// What `names` knows of what `row` refers to.
instance_surroundings around_of(instance const& row, directory const& names);

directory make_directory(listing<workload> const& workloads, listing<node> const& nodes);

/// Where a Function is reached: {"port":45123,"targetPort":8080,"type":"NodePort"}; empty: it is none. The port is the
/// one that was chosen for it if its definition names none; none is shown if none was chosen.
json::object exposure_of(instance const& row);

// --- v1: JSON texts, as docs/api-v1.md shows them

/// `progress`: of a managed workload; null: not known.
std::string workload_text(stored<workload> const& row, std::vector<std::string> const& warnings,
                          workload_progress const* progress = nullptr);
/// What was done about a workload, how far it is, and its releases.
std::string rollout_text(workload_story const& of);
/// {"outcome":"changed","changes":[..],"warnings":[..],"workload":{..}}
std::string change_text(workload_change const& of);
std::string instance_text(stored<instance> const& row, directory const& names);
std::string node_text(stored<node> const& row, node_usage const& usage);
std::string event_text(event const& happened);
std::string tenant_text(stored<tenant_record> const& row);

// --- v0

/// A definition with everything that the original's clients need in it.
json::object v0_definition(workload const& row);
/// What the original's clients read of the definition that an instance was made from.
json::object v0_spec(workload_definition const& definition);
/// The names of v0 are those of one tenant: what is in another is known by its uid.
std::string v0_id(instance const& row, std::string_view tenant);
json::object v0_instance(instance const& row, std::string id, json::object const& spec, bool is_unheard);
std::string_view v0_state(instance const& row, bool is_unheard);

}  // namespace rik::detail
