#include <rik/store/tables.hpp>

#include <rik/base/assert.hpp>

#include <algorithm>
#include <array>

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
std::vector<std::string> table<workload>::index_of(workload const& row) {
    if (!row.owner) return {};
    return {owner_index(*row.owner)};
}
bool table<workload>::has_same_name(workload const& a, workload const& b) {
    return a.kind == b.kind && a.tenant == b.tenant && a.name == b.name;
}

std::string table<release>::name_of(release const&) { return {}; }
std::vector<std::string> table<release>::index_of(release const& row) { return {"workload/" + row.workload.text()}; }

std::string table<instance>::name_of(instance const& row) { return instance_name(row.tenant(), row.name()); }

std::vector<std::string> table<instance>::index_of(instance const& row) {
    std::vector<std::string> keys;
    keys.push_back(row.owner() ? owner_index(*row.owner()) : orphan_index(row.tenant()));
    if (row.binding()) keys.push_back(node_index(row.binding()->node));
    return keys;
}

bool table<instance>::has_same_name(instance const& a, instance const& b) {
    return a.name() == b.name() && a.tenant() == b.tenant();
}

namespace {

/// A name in the pieces of which its text is made.
class piecewise {
public:
    explicit piecewise(instance const& row) : pieces_{row.tenant(), "/", row.name()} {}
    explicit piecewise(std::string_view text) : pieces_{text, {}, {}} {}

    /// As of the texts. It uses both up.
    friend std::strong_ordering compare(piecewise a, piecewise b) {
        for (;;) {
            auto const some_of_a = a.rest();
            auto const some_of_b = b.rest();
            auto const size = std::min(some_of_a.size(), some_of_b.size());
            if (size == 0) return some_of_a.size() <=> some_of_b.size();
            auto const by = some_of_a.substr(0, size) <=> some_of_b.substr(0, size);
            if (by != 0) return by;
            a.drop(size);
            b.drop(size);
        }
    }

private:
    /// Of the first piece that is not used up; empty if all are.
    std::string_view rest() {
        while (pieces_[at_].empty() && at_ + 1 < pieces_.size()) ++at_;
        return pieces_[at_];
    }
    void drop(std::size_t count) { pieces_[at_].remove_prefix(count); }

    std::array<std::string_view, 3> pieces_;
    std::size_t at_ = 0;
};

}  // namespace

std::strong_ordering table<instance>::compare_names(instance const& a, instance const& b) {
    if (a.tenant() == b.tenant()) return a.name() <=> b.name();
    return compare(piecewise(a), piecewise(b));
}

/// Nearly always both are of one tenant.
std::strong_ordering table<instance>::compare_names(instance const& a, std::string_view b) {
    auto const& tenant = a.tenant();
    auto const is_same_tenant = b.size() > tenant.size() && b[tenant.size()] == '/' && b.starts_with(tenant);
    if (is_same_tenant) return std::string_view(a.name()) <=> b.substr(tenant.size() + 1);
    return compare(piecewise(a), piecewise(b));
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
