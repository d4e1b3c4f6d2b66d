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
void remove_index(rows<Row>& from, typename table<Row>::key const& key, std::string const& index_key) {
    auto const found = from.by_index.find(index_key);
    if (found == from.by_index.end()) return;
    found->second.erase(key);
    if (found->second.empty()) from.by_index.erase(found);
}

template <class Row>
void replace_names(rows<Row>& in, typename table<Row>::key const& key, Row const* before, Row const* after) {
    auto const old_name = before ? table<Row>::name_of(*before) : std::string();
    auto new_name = after ? table<Row>::name_of(*after) : std::string();
    if (old_name == new_name) return;
    if (!old_name.empty()) remove_name(in, key, old_name);
    if (!new_name.empty()) in.by_name.insert_or_assign(std::move(new_name), key);
}

template <class Row>
void replace_indexes(rows<Row>& in, typename table<Row>::key const& key, Row const* before, Row const* after) {
    auto const old_keys = before ? table<Row>::index_of(*before) : std::vector<std::string>();
    auto new_keys = after ? table<Row>::index_of(*after) : std::vector<std::string>();
    if (old_keys == new_keys) return;
    for (auto const& old_key : old_keys) remove_index(in, key, old_key);
    for (auto& new_key : new_keys) in.by_index[std::move(new_key)].insert(key);
}

}  // namespace

template <class Row>
void rows<Row>::apply(typename table<Row>::key const& key, std::shared_ptr<Row const> row, revision changed_at) {
    auto const place = by_key.lower_bound(key);
    bool const exists = place != by_key.end() && place->first == key;
    auto const before = exists ? place->second.row : nullptr;
    replace_names<Row>(*this, key, before.get(), row.get());
    replace_indexes<Row>(*this, key, before.get(), row.get());
    if (!row && exists) {
        by_key.erase(place);
    } else if (row && exists) {
        place->second = stored<Row>{std::move(row), changed_at};
    } else if (row) {
        by_key.emplace_hint(place, key, stored<Row>{std::move(row), changed_at});
    }
}

template struct rows<workload>;
template struct rows<release>;
template struct rows<instance>;
template struct rows<node>;
template struct rows<document>;

}  // namespace rik::detail
