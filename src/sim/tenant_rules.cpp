#include "tenant_rules_detail.hpp"

#include <fmt/format.h>

namespace rik::sim {

void tenant_rules::put(std::string_view table, std::string const& key, std::string tenant, std::string name) {
    remove(table, key);
    row_key const row{std::string(table), key};
    by_tenant_[tenant].insert(row);
    touched_tenants_.insert(tenant);
    if (!name.empty()) by_name_[{row.first, name}].insert(row);
    if (!name.empty()) touched_names_.insert({row.first, name});
    rows_.emplace(row, place{std::move(tenant), std::move(name)});
}

void tenant_rules::remove(std::string_view table, std::string const& key) {
    auto const found = rows_.find({std::string(table), key});
    if (found == rows_.end()) return;
    auto const& [row, at] = *found;
    by_tenant_[at.tenant].erase(row);
    if (!at.name.empty()) by_name_[{row.first, at.name}].erase(row);
    rows_.erase(found);
}

void tenant_rules::remove_tenant(std::string const& name) {
    tenants_.erase(name);
    touched_tenants_.insert(name);
}

std::vector<std::string> tenant_rules::broken() {
    std::vector<std::string> found;
    for (auto const& tenant : std::exchange(touched_tenants_, {})) {
        if (tenants_.contains(tenant)) continue;
        for (auto const& [table, key] : by_tenant_[tenant])
            found.push_back(fmt::format("{} {} is in tenant {}, which is not there", table, key, tenant));
    }
    for (auto const& [table, name] : std::exchange(touched_names_, {}))
        if (auto const count = by_name_[{table, name}].size(); count > 1)
            found.push_back(fmt::format("{} rows of the table {} are named {}", count, table, name));
    return found;
}

}  // namespace rik::sim
