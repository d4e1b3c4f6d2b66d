#include <rik/store/tables.hpp>

#include <rik/base/assert.hpp>

namespace rik {

std::string_view to_string(table_id table) {
    switch (table) {
        case table_id::workload: return "workload";
        case table_id::release: return "release";
        case table_id::instance: return "instance";
        case table_id::node: return "node";
        case table_id::document: return "document";
    }
    RIK_ASSERT(false);
}

std::string table<workload>::name_of(workload const& row) { return workload_name(row.tenant, row.kind, row.name); }
std::vector<std::string> table<workload>::index_of(workload const&) { return {}; }
bool table<workload>::has_same_name(workload const& a, workload const& b) {
    return a.kind == b.kind && a.tenant == b.tenant && a.name == b.name;
}

std::string table<release>::name_of(release const&) { return {}; }
std::vector<std::string> table<release>::index_of(release const& row) { return {"workload/" + row.workload.text()}; }

std::string table<instance>::name_of(instance const& row) { return instance_name(row.tenant(), row.name()); }

std::vector<std::string> table<instance>::index_of(instance const& row) {
    std::vector<std::string> keys;
    keys.push_back(row.owner() ? owner_index(*row.owner()) : orphan_index(row.tenant()));
    keys.push_back(row.binding() ? node_index(row.binding()->node) : std::string(pending_index));
    return keys;
}

bool table<instance>::has_same_name(instance const& a, instance const& b) {
    return a.name() == b.name() && a.tenant() == b.tenant();
}

bool table<instance>::has_same_indexes(instance const& a, instance const& b) {
    if (a.owner() != b.owner() || a.binding().has_value() != b.binding().has_value()) return false;
    return !a.binding() || a.binding()->node == b.binding()->node;
}

std::string table<node>::name_of(node const& row) { return row.facts.name + "/" + row.id.text(); }
std::vector<std::string> table<node>::index_of(node const& row) {
    if (row.state == node_state::unheard) return {std::string(unheard_index)};
    return {};
}

// A document's key is made of its names already.
std::string table<document>::name_of(document const&) { return {}; }

std::vector<std::string> table<document>::index_of(document const& row) {
    std::vector<std::string> keys{kind_index(row.key.kind)};
    if (!row.about.empty()) keys.push_back(about_index(row.about));
    if (!row.key.tenant.empty()) keys.push_back(tenant_index(row.key.tenant));
    return keys;
}

std::string workload_name(std::string_view tenant, workload_kind kind, std::string_view name) {
    std::string joined(tenant);
    joined.append("/").append(to_string(kind)).append("/").append(name);
    return joined;
}

std::string instance_name(std::string_view tenant, std::string_view name) {
    std::string joined(tenant);
    joined.append("/").append(name);
    return joined;
}

}  // namespace rik
