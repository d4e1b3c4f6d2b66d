// What must hold of tenants and names after every commit of a primary.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::sim {

/// Nothing is in a tenant that is not there: so a deleted one has left nothing. Names are unique.
class tenant_rules {
public:
    /// A row of `table` is there. `name` is unique in the table; empty: it has none.
    void put(std::string_view table, std::string const& key, std::string tenant, std::string name);
    void remove(std::string_view table, std::string const& key);
    void put_tenant(std::string const& name) { tenants_.insert(name); }
    void remove_tenant(std::string const& name);

    /// A commit is over: what it has broken.
    std::vector<std::string> broken();

private:
    struct place {
        std::string tenant;
        std::string name;
    };
    using row_key = std::pair<std::string, std::string>;  ///< table and key

    std::set<std::string> tenants_;
    std::map<row_key, place> rows_;
    std::map<std::string, std::set<row_key>> by_tenant_;
    std::map<std::pair<std::string, std::string>, std::set<row_key>> by_name_;  ///< by table and name
    std::set<std::string> touched_tenants_;
    std::set<std::pair<std::string, std::string>> touched_names_;
};

}  // namespace rik::sim
