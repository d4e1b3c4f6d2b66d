// Rows and their keys as the text that a journal keeps.
#pragma once

#include <rik/store/view.hpp>

#include <string>

namespace rik::detail {

/// Rows that are the store's own: one, its epochs.
inline constexpr std::string_view meta_table = "meta";
inline constexpr std::string_view epoch_key = "epoch";

template <class Kind>
std::string key_text(uid<Kind> const& key) {
    return key.text();
}

/// Kinds, tenants and names have no slash.
inline std::string key_text(document_key const& key) { return key.kind + "/" + key.tenant + "/" + key.name; }

inline result<workload> decode(std::string_view text, view const& releases, workload const*) {
    return decode_workload(text, releases);
}
inline result<release> decode(std::string_view text, view const&, release const*) { return decode_release(text); }
inline result<node> decode(std::string_view text, view const&, node const*) { return decode_node(text); }
inline result<document> decode(std::string_view text, view const&, document const*) { return decode_document(text); }
inline result<instance> decode(std::string_view text, view const& releases, instance const*) {
    return decode_instance(text, releases);
}

/// What a user calls a row: "workload web", "node b".
inline std::string describe(workload const& row) { return "workload " + row.name; }
inline std::string describe(release const& row) { return "release " + row.id.text(); }
inline std::string describe(instance const& row) { return "instance " + row.name(); }
inline std::string describe(node const& row) { return "node " + row.facts.name; }
inline std::string describe(document const& row) { return row.key.kind + " " + row.key.name; }

}  // namespace rik::detail
