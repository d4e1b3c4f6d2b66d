#include <rik/store/rows.hpp>

#include <rik/base/hash.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

std::size_t key_hash::operator()(document_key const& key) const noexcept {
    return mix(mix(fnv1a(key.name), fnv1a(key.tenant)), fnv1a(key.kind));
}

std::size_t text_hash::operator()(std::string_view text) const noexcept { return fnv1a(text); }

template <class Row>
Row const& rows<Row>::place::row() const {
    return *which->second[is_there[row_state::head] ? row_state::head : row_state::durable];
}

/// Returns where `which` is, or would be, while its name is that of `row`.
template <class Row>
typename sorted_chunks<typename rows<Row>::place>::position rows<Row>::by_name::find(entry const& which,
                                                                                     Row const& row) const {
    return places_.find_first_not([&](place const& each) {
        if constexpr (table<Row>::has_names)
            if (auto const by = table<Row>::compare_names(each.row(), row); by != 0) return by < 0;
        return each.which->first < which.first;
    });
}

template <class Row>
void rows<Row>::by_name::add(row_state in, entry const& which, Row const& row) {
    auto const at = find(which, row);
    // Under another name it is there in the other state, and needs a second place.
    auto const is_it = [&](place const& each) {
        return each.which == &which && table<Row>::has_same_name(each.row(), row);
    };
    if (at != places_.end() && is_it(places_[at])) {
        places_[at].is_there[in] = true;
        return;
    }
    place added{.which = &which, .is_there = {}};
    added.is_there[in] = true;
    places_.insert(at, added);
}

template <class Row>
void rows<Row>::by_name::remove(row_state in, entry const& which, Row const& row) {
    auto const at = find(which, row);
    auto& found = places_[at];
    found.is_there[in] = false;
    if (!found.is_there[row_state::head] && !found.is_there[row_state::durable]) places_.erase(at);
}

template <class Row>
void rows<Row>::by_entry::remove(row_state in, entry const& which, Row const&) {
    auto const found = places_.find(&which);
    found->second[in] = false;
    if (!found->second[row_state::head] && !found->second[row_state::durable]) places_.erase(found);
}

template <class Row>
void rows<Row>::add_place(index& to, row_state in, entry const& which, Row const& row) {
    to.all.add(in, which, row);
    ++to.counts[in];
}

template <class Row>
void rows<Row>::remove_place(index& from, row_state in, entry const& which, Row const& row) {
    from.all.remove(in, which, row);
    --from.counts[in];
}

/// Puts `next` in the place of the version of `which`, in all indexes that the two do not share. While a row is taken
/// out of an index it must be in its entry still, and when it is put in, already. The caller holds the one before.
template <class Row>
void rows<Row>::file_anew(row_state in, entry& which, stored<Row> next) {
    auto& version = which.second[in];
    auto const* const before = version.row.get();
    auto const* const after = next.row.get();
    auto const is_same_name = before != nullptr && after != nullptr && table<Row>::has_same_name(*before, *after);
    auto const keys_before = before == nullptr ? std::vector<std::string>() : table<Row>::index_of(*before);
    auto const keys_after = after == nullptr ? std::vector<std::string>() : table<Row>::index_of(*after);
    auto const stays = [&](std::string const& each, std::vector<std::string> const& others) {
        return is_same_name && std::ranges::find(others, each) != others.end();
    };
    if (table<Row>::has_names && before != nullptr && !is_same_name) remove_place(named_, in, which, *before);
    for (auto const& each : keys_before) {
        if (stays(each, keys_after)) continue;
        auto const under = by_index_.find(each);
        remove_place(under->second, in, which, *before);
        if (under->second.all.empty()) by_index_.erase(under);
    }
    version = std::move(next);
    if (table<Row>::has_names && after != nullptr && !is_same_name) add_place(named_, in, which, *after);
    for (auto const& each : keys_after)
        if (!stays(each, keys_before)) add_place(by_index_[each], in, which, *after);
}

template <class Row>
std::shared_ptr<Row const> rows<Row>::apply(row_state in, key const& which, std::shared_ptr<Row const> row,
                                            revision changed_at) {
    auto const found = row ? by_key_.try_emplace(which).first : by_key_.find(which);
    if (found == by_key_.end()) return nullptr;
    auto& version = found->second[in];
    auto replaced = version.row;
    auto const is_filed_alike =
        replaced && row && table<Row>::has_same_name(*replaced, *row) && table<Row>::has_same_indexes(*replaced, *row);
    counts_[in] += row ? 1 : 0;
    counts_[in] -= replaced ? 1 : 0;
    if (is_filed_alike)
        version = {std::move(row), changed_at};
    else
        file_anew(in, *found, {std::move(row), changed_at});
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
        auto const& all = named_.all.places();
        auto at =
            all.find_first_not([&](place const& each) { return table<Row>::compare_names(each.row(), name) < 0; });
        // A name may have gone from one row to another, and that may not be durable yet.
        for (; at != all.end() && table<Row>::compare_names(all[at].row(), name) == 0; at = all.after(at))
            if (all[at].is_there[in]) return all[at].which->second[in];
    }
    return {};
}

template <class Row>
std::vector<stored<Row>> rows<Row>::in_order(row_state in, std::vector<entry const*> some) {
    std::ranges::sort(some, {}, [](entry const* each) -> key const& { return each->first; });
    std::vector<stored<Row>> all;
    all.reserve(some.size());
    for (auto const* const each : some) all.push_back(each->second[in]);
    return all;
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list(row_state in) const {
    if constexpr (table<Row>::has_names) {
        return list(in, {});
    } else {
        std::vector<entry const*> all;
        all.reserve(counts_[in]);
        for (auto const& each : by_key_)
            if (each.second[in]) all.push_back(&each);
        return in_order(in, std::move(all));
    }
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list(row_state in, std::string_view index_key) const {
    auto const* const under = find_index(index_key);
    if (under == nullptr) return {};
    if constexpr (table<Row>::has_names) {
        std::vector<stored<Row>> some;
        some.reserve(under->counts[in]);
        under->all.places().for_each([&](place const& each) {
            if (each.is_there[in]) some.push_back(each.which->second[in]);
        });
        return some;
    } else {
        std::vector<entry const*> some;
        some.reserve(under->counts[in]);
        for (auto const& [which, is_there] : under->all.places())
            if (is_there[in]) some.push_back(which);
        return in_order(in, std::move(some));
    }
}

template <class Row>
std::vector<stored<Row>> rows<Row>::list_after(row_state in, position const& after, std::size_t count_max) const {
    std::vector<stored<Row>> some;
    auto const* const under = find_index(after.index_key);
    if (under == nullptr) return some;
    if constexpr (table<Row>::has_names) {
        auto const& places = under->all.places();
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
