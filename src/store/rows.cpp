#include <rik/store/rows.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

template <class Row>
bool rows<Row>::place_order::operator()(place const& a, place const& b) const {
    // One name is one text.
    return a.name != b.name ? a.text() < b.text() : a.row->first < b.row->first;
}

template <class Row>
typename rows<Row>::named const* rows<Row>::find_name(std::string const& name) const {
    auto const found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &*found;
}

template <class Row>
void rows<Row>::give_name(row_state in, entry const& to, std::string const& name) {
    if (!name.empty()) by_name_[name][in] = &to;
}

template <class Row>
void rows<Row>::take_name(row_state in, entry const& from, std::string const& name) {
    auto const found = by_name_.find(name);
    // One transaction may give a removed row's name to another row before it comes to the removal.
    if (found == by_name_.end() || found->second[in] != &from) return;
    found->second[in] = nullptr;
    if (found->second[row_state::head] == nullptr && found->second[row_state::durable] == nullptr)
        by_name_.erase(found);
}

template <class Row>
void rows<Row>::add_place(row_state in, std::string const& index_key, place const& at) {
    auto& under = by_index_[index_key];
    auto& is_there = under.places[at][in];
    if (std::exchange(is_there, true)) return;
    ++under.counts[in];
}

template <class Row>
void rows<Row>::remove_place(row_state in, std::string const& index_key, place const& at) {
    auto const under = by_index_.find(index_key);
    if (under == by_index_.end()) return;
    auto& places = under->second.places;
    auto const found = places.find(at);
    if (found == places.end() || !std::exchange(found->second[in], false)) return;
    --under->second.counts[in];
    if (found->second[row_state::head] || found->second[row_state::durable]) return;
    places.erase(found);
    if (places.empty()) by_index_.erase(under);
}

/// The name of a row goes after its places in indexes, which refer to its text, and comes before them.
template <class Row>
void rows<Row>::file(row_state in, entry const& which, Row const* before, Row const* after) {
    using index_list = std::vector<std::string>;
    auto const old_name = before ? table<Row>::name_of(*before) : std::string();
    auto const new_name = after ? table<Row>::name_of(*after) : std::string();
    auto const is_renamed = old_name != new_name;
    auto const old_keys = before ? table<Row>::index_of(*before) : index_list();
    auto const new_keys = after ? table<Row>::index_of(*after) : index_list();
    auto const stays = [&](index_list const& other, std::string const& each) {
        return !is_renamed && std::ranges::find(other, each) != other.end();
    };
    place const old_place{find_name(old_name), &which};
    for (auto const& each : old_keys)
        if (!stays(new_keys, each)) remove_place(in, each, old_place);
    if (is_renamed) take_name(in, which, old_name);
    if (is_renamed) give_name(in, which, new_name);
    place const new_place{find_name(new_name), &which};
    for (auto const& each : new_keys)
        if (!stays(old_keys, each)) add_place(in, each, new_place);
}

template <class Row>
void rows<Row>::apply(row_state in, key const& which, std::shared_ptr<Row const> row, revision changed_at) {
    auto const found = row ? by_key_.try_emplace(which).first : by_key_.find(which);
    if (found == by_key_.end()) return;
    auto& version = found->second[in];
    auto const before = std::exchange(version, {std::move(row), changed_at}).row;
    auto const is_filed_alike = before && version && table<Row>::has_same_name(*before, *version) &&
                                table<Row>::has_same_indexes(*before, *version);
    if (!is_filed_alike) file(in, *found, before.get(), version.row.get());
    counts_[in] += version ? 1 : 0;
    counts_[in] -= before ? 1 : 0;
    if (!found->second[row_state::head] && !found->second[row_state::durable]) by_key_.erase(found);
}

template <class Row>
stored<Row> rows<Row>::find(row_state in, key const& which) const {
    auto const found = by_key_.find(which);
    return found == by_key_.end() ? stored<Row>{} : found->second[in];
}

template <class Row>
stored<Row> rows<Row>::find_named(row_state in, std::string_view name) const {
    auto const found = by_name_.find(name);
    auto const* const holder = found == by_name_.end() ? nullptr : found->second[in];
    return holder == nullptr ? stored<Row>{} : holder->second[in];
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list(row_state in) const {
    std::vector<stored<Row>> all;
    all.reserve(counts_[in]);
    for (auto const& [which, both] : by_key_)
        if (both[in]) all.push_back(both[in]);
    return all;
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list(row_state in, std::string_view index_key) const {
    std::vector<stored<Row>> some;
    auto const under = by_index_.find(index_key);
    if (under == by_index_.end()) return some;
    some.reserve(under->second.counts[in]);
    for (auto const& [at, is_there] : under->second.places)
        if (is_there[in]) some.push_back(at.row->second[in]);
    return some;
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list_after(row_state in, position const& after, std::size_t count_max) const {
    std::vector<stored<Row>> some;
    if (after.index_key.empty()) {
        for (auto each = by_name_.upper_bound(after.name); each != by_name_.end() && some.size() < count_max; ++each)
            if (auto const* const holder = each->second[in]) some.push_back(holder->second[in]);
    } else if (auto const under = by_index_.find(after.index_key); under != by_index_.end()) {
        auto const& places = under->second.places;
        for (auto each = places.upper_bound(after.name); each != places.end() && some.size() < count_max; ++each)
            if (each->second[in]) some.push_back(each->first.row->second[in]);
    }
    return some;
}

template <class Row>
std::size_t rows<Row>::count(row_state in, std::string_view index_key) const {
    auto const under = by_index_.find(index_key);
    return under == by_index_.end() ? 0 : under->second.counts[in];
}

template class rows<workload>;
template class rows<release>;
template class rows<instance>;
template class rows<node>;
template class rows<document>;

}  // namespace rik::detail
