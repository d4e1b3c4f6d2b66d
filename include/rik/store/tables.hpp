// The tables of the store as data: key, name, index and text of each kind of row.
#pragma once

#include <rik/model/codec.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

enum class table_id : std::uint8_t { workload, release, instance, node, document };
inline constexpr std::size_t table_count = 5;
std::string_view to_string(table_id table);

/// Describes a table. `name_of` is unique within the table ("" for a row without a name). `index_of` gives the keys, if
/// any, under which a row is found; each starts with the name of its index: "owner/UID", "node/UID", "about/UID".
/// `has_same_name` and `has_same_indexes` compare these of two rows of one key, without making texts; `compare_names`
/// orders any two rows, or a row and a text, by their names.
template <class Row>
struct table;

template <>
struct table<workload> {
    using key = workload_id;
    static constexpr auto id = table_id::workload;
    static key key_of(workload const& row) { return row.id; }
    static std::string name_of(workload const& row);                ///< workload_name(...)
    static std::vector<std::string> index_of(workload const& row);  ///< "owner/UID", or none
    static bool has_same_name(workload const& a, workload const& b);
    static constexpr bool has_names = true;
    static std::strong_ordering compare_names(workload const& a, workload const& b) {
        return name_of(a) <=> name_of(b);
    }
    static std::strong_ordering compare_names(workload const& a, std::string_view b) { return name_of(a) <=> b; }
    static bool has_same_indexes(workload const& a, workload const& b) { return a.owner == b.owner; }
};

template <>
struct table<release> {
    using key = release_id;
    static constexpr auto id = table_id::release;
    static key key_of(release const& row) { return row.id; }
    static std::string name_of(release const& row);
    static std::vector<std::string> index_of(release const& row);  ///< "workload/UID"
    static bool has_same_name(release const&, release const&) { return true; }
    static constexpr bool has_names = false;
    static bool has_same_indexes(release const& a, release const& b) { return a.workload == b.workload; }
};

template <>
struct table<instance> {
    using key = instance_id;
    static constexpr auto id = table_id::instance;
    static key key_of(instance const& row) { return row.id(); }
    static std::string name_of(instance const& row);  ///< instance_name(...)
    static std::vector<std::string> index_of(
        instance const& row);  ///< "owner/UID" or "orphan/TENANT"; "node/UID" of a bound one
    static bool has_same_name(instance const& a, instance const& b);
    static constexpr bool has_names = true;
    static std::strong_ordering compare_names(instance const& a, instance const& b);
    static std::strong_ordering compare_names(instance const& a, std::string_view b);
    static bool has_same_indexes(instance const& a, instance const& b);
};

template <>
struct table<node> {
    using key = node_id;
    static constexpr auto id = table_id::node;
    static key key_of(node const& row) { return row.id; }
    static std::string name_of(node const& row);                ///< "NAME/UID": two machines may have one host name
    static std::vector<std::string> index_of(node const& row);  ///< "unheard", or none
    static bool has_same_name(node const& a, node const& b) { return a.facts.name == b.facts.name; }
    static constexpr bool has_names = true;
    static std::strong_ordering compare_names(node const& a, node const& b) { return name_of(a) <=> name_of(b); }
    static std::strong_ordering compare_names(node const& a, std::string_view b) { return name_of(a) <=> b; }
    static bool has_same_indexes(node const& a, node const& b) {
        return (a.state == node_state::unheard) == (b.state == node_state::unheard);
    }
};

template <>
struct table<document> {
    using key = document_key;
    static constexpr auto id = table_id::document;
    static key key_of(document const& row) { return row.key; }
    static std::string name_of(document const& row);
    static std::vector<std::string> index_of(document const& row);  ///< "kind/KIND", "about/UID", "tenant/NAME"
    static bool has_same_name(document const&, document const&) { return true; }
    static constexpr bool has_names = false;
    static bool has_same_indexes(document const& a, document const& b) { return a.about == b.about; }
};

std::string workload_name(std::string_view tenant, workload_kind kind, std::string_view name);
std::string instance_name(std::string_view tenant, std::string_view name);
inline std::string owner_index(workload_id const& owner) { return "owner/" + owner.text(); }
inline std::string orphan_index(std::string_view tenant) { return "orphan/" + std::string(tenant); }
inline std::string node_index(node_id const& on) { return "node/" + on.text(); }
inline std::string about_index(std::string_view uid) { return "about/" + std::string(uid); }
inline std::string kind_index(std::string_view kind) { return "kind/" + std::string(kind); }
inline std::string tenant_index(std::string_view tenant) { return "tenant/" + std::string(tenant); }
/// Names of rows of a tenant begin with it, and stand together.
inline std::string name_prefix(std::string_view tenant) { return std::string(tenant) + "/"; }
inline constexpr std::string_view unheard_index = "unheard";

}  // namespace rik
