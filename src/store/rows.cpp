#include <rik/store/rows.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

template <class Row>
Row const& rows<Row>::place::row() const {
    return *which->second[is_there[row_state::head] ? row_state::head : row_state::durable];
}

/// Returns where `which` is, or would be, while its name is that of `row`.
template <class Row>
typename rows<Row>::place_position rows<Row>::find_place(index const& in, entry const& which, Row const& row) {
    return in.places.find_first_not([&](place const& each) {
        if constexpr (table<Row>::has_names)
            if (auto const by = table<Row>::compare_names(each.row(), row); by != 0) return by < 0;
        return each.which->first < which.first;
    });
}

template <class Row>
void rows<Row>::add_place(index& to, row_state in, entry const& which, Row const& row) {
    auto const at = find_place(to, which, row);
    ++to.counts[in];
    // Under another name it is there in the other state, and needs a second place.
    auto const is_it = [&](place const& each) {
        return each.which == &which && table<Row>::has_same_name(each.row(), row);
    };
    if (at != to.places.end() && is_it(to.places[at])) {
        to.places[at].is_there[in] = true;
        return;
    }
    place added{.which = &which, .is_there = {}};
    added.is_there[in] = true;
    to.places.insert(at, added);
}

template <class Row>
void rows<Row>::remove_place(index& from, row_state in, entry const& which, Row const& row) {
    auto const at = find_place(from, which, row);
    auto& found = from.places[at];
    found.is_there[in] = false;
    --from.counts[in];
    if (!found.is_there[row_state::head] && !found.is_there[row_state::durable]) from.places.erase(at);
}

namespace {

/// Those under which `row` is found and `other`, if there is one, is not.
template <class Row>
std::vector<std::string> index_keys_without(Row const& row, Row const* other) {
    auto keys = table<Row>::index_of(row);
    if (other == nullptr) return keys;
    auto const others = table<Row>::index_of(*other);
    std::erase_if(keys, [&](std::string const& each) { return std::ranges::find(others, each) != others.end(); });
    return keys;
}

}  // namespace

/// A row of the same name, `filed_alike`, was or will be in its place: what the two have in common stays. The row must
/// be in its entry already.
template <class Row>
void rows<Row>::file(row_state in, entry const& which, Row const& row, Row const* filed_alike) {
    if (table<Row>::has_names && filed_alike == nullptr) add_place(named_, in, which, row);
    for (auto const& each : index_keys_without(row, filed_alike)) add_place(by_index_[each], in, which, row);
}

/// The opposite; the row must still be in its entry.
template <class Row>
void rows<Row>::unfile(row_state in, entry const& which, Row const& row, Row const* filed_alike) {
    if (table<Row>::has_names && filed_alike == nullptr) remove_place(named_, in, which, row);
    for (auto const& each : index_keys_without(row, filed_alike)) {
        auto const under = by_index_.find(each);
        remove_place(under->second, in, which, row);
        if (under->second.places.empty()) by_index_.erase(under);
    }
}

template <class Row>
std::shared_ptr<Row const> rows<Row>::apply(row_state in, key const& which, std::shared_ptr<Row const> row,
                                            revision changed_at) {
    auto const found = row ? by_key_.try_emplace(which).first : by_key_.find(which);
    if (found == by_key_.end()) return nullptr;
    auto& version = found->second[in];
    auto const* const before = version.row.get();
    auto const* const after = row.get();
    auto const has_same_name = before != nullptr && after != nullptr && table<Row>::has_same_name(*before, *after);
    auto const is_filed_alike = has_same_name && table<Row>::has_same_indexes(*before, *after);
    if (before != nullptr && !is_filed_alike) unfile(in, *found, *before, has_same_name ? after : nullptr);
    auto replaced = std::exchange(version, {std::move(row), changed_at}).row;
    if (after != nullptr && !is_filed_alike) file(in, *found, *after, has_same_name ? before : nullptr);
    counts_[in] += version ? 1 : 0;
    counts_[in] -= replaced ? 1 : 0;
    if (!found->second[row_state::head] && !found->second[row_state::durable]) by_key_.erase(found);
    return replaced;
}

template <class Row>
typename rows<Row>::index const* rows<Row>::find_index(std::string_view index_key) const {
    if (index_key.empty()) return &named_;
    auto const found = by_index_.find(index_key);
    return found == by_index_.end() ? nullptr : &found->second;
}

template <class Row>
stored<Row> rows<Row>::find(row_state in, key const& which) const {
    auto const found = by_key_.find(which);
    return found == by_key_.end() ? stored<Row>{} : found->second[in];
}

template <class Row>
stored<Row> rows<Row>::find_named(row_state in, std::string_view name) const {
    if constexpr (table<Row>::has_names) {
        auto const& all = named_.places;
        auto at =
            all.find_first_not([&](place const& each) { return table<Row>::compare_names(each.row(), name) < 0; });
        // A name may have gone from one row to another, and that may not be durable yet.
        for (; at != all.end() && table<Row>::compare_names(all[at].row(), name) == 0; at = all.after(at))
            if (all[at].is_there[in]) return all[at].which->second[in];
    }
    return {};
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
    auto const* const under = find_index(index_key);
    if (under == nullptr) return some;
    some.reserve(under->counts[in]);
    under->places.for_each([&](place const& each) {
        if (each.is_there[in]) some.push_back(each.which->second[in]);
    });
    return some;
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list_after(row_state in, position const& after, std::size_t count_max) const {
    std::vector<stored<Row>> some;
    auto const* const under = find_index(after.index_key);
    if (under == nullptr) return some;
    if constexpr (table<Row>::has_names) {
        auto const& places = under->places;
        auto at = places.find_first_not(
            [&](place const& each) { return table<Row>::compare_names(each.row(), after.name) <= 0; });
        for (; at != places.end() && some.size() < count_max; at = places.after(at))
            if (places[at].is_there[in]) some.push_back(places[at].which->second[in]);
    }
    return some;
}

template <class Row>
std::size_t rows<Row>::count(row_state in, std::string_view index_key) const {
    auto const* const under = find_index(index_key);
    return under == nullptr ? 0 : under->counts[in];
}

template class rows<workload>;
template class rows<release>;
template class rows<instance>;
template class rows<node>;
template class rows<document>;

}  // namespace rik::detail
