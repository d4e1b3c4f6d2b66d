#include "json_detail.hpp"

namespace rik::detail {

workload const* directory::find_workload(std::optional<workload_id> const& id) const {
    auto const found = id ? workloads.find(*id) : workloads.end();
    return found == workloads.end() ? nullptr : found->second.get();
}

node const* directory::find_node(std::optional<node_binding> const& binding) const {
    auto const found = binding ? nodes.find(binding->node) : nodes.end();
    return found == nodes.end() ? nullptr : found->second.get();
}

bool directory::is_unheard(instance const& row) const {
    if (!row.binding()) return false;
    auto const* on = find_node(row.binding());
    return on == nullptr || on->state == node_state::unheard;
}

instance_surroundings around_of(instance const& row, directory const& names) {
    instance_surroundings around{.is_unheard = names.is_unheard(row)};
    if (auto const* const owner = names.find_workload(row.owner())) around.workload_name = owner->name;
    if (auto const* const on = names.find_node(row.binding())) around.node_name = on->facts.name;
    return around;
}

directory make_directory(listing<workload> const& workloads, listing<node> const& nodes) {
    directory made;
    for (auto const& each : workloads.rows) made.workloads.emplace(each->id, each.row);
    for (auto const& each : nodes.rows) made.nodes.emplace(each->id, each.row);
    return made;
}

json::object exposure_of(instance const& row) {
    json::object exposure;
    auto const& function = row.spec().function;
    if (row.spec().form != instance_form::function || !function) return exposure;
    auto const port = function->port == 0 ? row.exposed_port() : function->port;
    if (port != 0) exposure["port"] = port;
    exposure["targetPort"] = function->target_port;
    exposure["type"] = "NodePort";
    return exposure;
}

}  // namespace rik::detail
