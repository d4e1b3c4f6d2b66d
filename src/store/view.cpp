#include <rik/store/view.hpp>

#include <utility>

namespace rik::detail {

namespace {

template <class Row>
void remove_name(rows<Row>& from, typename table<Row>::key const& key, std::string const& name) {
    // One transaction may give a removed row's name to another row before it comes to the removal.
    auto const found = from.by_name.find(name);
    if (found != from.by_name.end() && found->second == key) from.by_name.erase(found);
}

template <class Row>
void remove_index(rows<Row>& from, typename rows<Row>::place const& place, std::string const& index_key) {
    auto const found = from.by_index.find(index_key);
    if (found == from.by_index.end()) return;
    found->second.erase(place);
    if (found->second.empty()) from.by_index.erase(found);
}

/// Where the row stands in each of its indexes.
template <class Row>
typename rows<Row>::place place_of(rows<Row> const& in, typename table<Row>::key const& key, Row const& row) {
    auto const found = in.by_name.find(table<Row>::name_of(row));
    return {found == in.by_name.end() ? std::string_view() : std::string_view(found->first), key};
}

/// The name of a row goes after its places in indexes, which refer to its text, and comes before them.
template <class Row>
void replace_names_and_indexes(rows<Row>& in, typename table<Row>::key const& key, Row const* before,
                               Row const* after) {
    auto const old_name = before ? table<Row>::name_of(*before) : std::string();
    auto const old_keys = before ? table<Row>::index_of(*before) : std::vector<std::string>();
    auto new_name = after ? table<Row>::name_of(*after) : std::string();
    auto new_keys = after ? table<Row>::index_of(*after) : std::vector<std::string>();
    auto const is_renamed = old_name != new_name;
    if (!is_renamed && old_keys == new_keys) return;
    if (before)
        for (auto const& each : old_keys) remove_index<Row>(in, place_of<Row>(in, key, *before), each);
    if (is_renamed && !old_name.empty()) remove_name(in, key, old_name);
    if (is_renamed && !new_name.empty()) in.by_name.insert_or_assign(std::move(new_name), key);
    if (after)
        for (auto& each : new_keys) in.by_index[std::move(each)].insert(place_of<Row>(in, key, *after));
}

}  // namespace

template <class Row>
void rows<Row>::apply(typename table<Row>::key const& key, std::shared_ptr<Row const> row, revision changed_at) {
    auto const found = by_key.lower_bound(key);
    bool const exists = found != by_key.end() && found->first == key;
    auto const before = exists ? found->second.row : nullptr;
    replace_names_and_indexes<Row>(*this, key, before.get(), row.get());
    if (!row && exists) {
        by_key.erase(found);
    } else if (row && exists) {
        found->second = stored<Row>{std::move(row), changed_at};
    } else if (row) {
        by_key.emplace_hint(found, key, stored<Row>{std::move(row), changed_at});
    }
}

template struct rows<workload>;
template struct rows<release>;
template struct rows<instance>;
template struct rows<node>;
template struct rows<document>;

}  // namespace rik::detail
