// All rows of a store at one revision, with their indexes.
#pragma once

#include <rik/store/tables.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rik {

/// A row and the revision of the commit that last changed it. It is empty if there is no such row.
template <class Row>
struct stored {
    std::shared_ptr<Row const> row;
    revision changed_at = 0;

    explicit operator bool() const { return row != nullptr; }
    Row const* operator->() const { return row.get(); }
    Row const& operator*() const { return *row; }
};

namespace detail {

template <class Row>
struct rows {
    std::map<typename table<Row>::key, stored<Row>> by_key;
    std::map<std::string, typename table<Row>::key, std::less<>> by_name;
    /// Where a row stands in an index: in the order of names. The text of the name is the one in `by_name`.
    using place = std::pair<std::string_view, typename table<Row>::key>;
    std::map<std::string, std::set<place>, std::less<>> by_index;

    /// Sets or, with nullptr, removes a row, and keeps the indexes in step.
    void apply(typename table<Row>::key const& key, std::shared_ptr<Row const> row, revision changed_at);
};

extern template struct rows<workload>;
extern template struct rows<release>;
extern template struct rows<instance>;
extern template struct rows<node>;
extern template struct rows<document>;

}  // namespace detail

class view final : public release_source {
public:
    template <class Row>
    stored<Row> find(typename table<Row>::key const& key) const {
        auto const& rows = of<Row>().by_key;
        auto const found = rows.find(key);
        return found == rows.end() ? stored<Row>{} : found->second;
    }

    /// Finds a row by the name that `table<Row>::name_of` gives.
    template <class Row>
    stored<Row> find_named(std::string_view name) const {
        auto const& names = of<Row>().by_name;
        auto const found = names.find(name);
        return found == names.end() ? stored<Row>{} : find<Row>(found->second);
    }

    /// Returns all rows, in order of key.
    template <class Row>
    std::vector<stored<Row>> list() const {
        std::vector<stored<Row>> all;
        all.reserve(of<Row>().by_key.size());
        for (auto const& [key, row] : of<Row>().by_key) all.push_back(row);
        return all;
    }

    /// Returns the rows under one index key, in the order of their names; rows without names in the order of their
    /// keys.
    template <class Row>
    std::vector<stored<Row>> list(std::string_view index_key) const {
        std::vector<stored<Row>> some;
        auto const& indexes = of<Row>().by_index;
        if (auto const found = indexes.find(index_key); found != indexes.end()) {
            some.reserve(found->second.size());
            for (auto const& [name, key] : found->second) some.push_back(find<Row>(key));
        }
        return some;
    }

    /// Returns up to `count_max` rows whose names come after `name`, in the order of names: of the whole table, or of
    /// those under `index_key` if it is not empty. For tables whose rows have names.
    template <class Row>
    std::vector<stored<Row>> list_after(std::string_view index_key, std::string_view name,
                                        std::size_t count_max) const {
        auto const& rows = of<Row>();
        std::vector<stored<Row>> some;
        if (index_key.empty()) {
            auto each = rows.by_name.upper_bound(name);
            for (; each != rows.by_name.end() && some.size() < count_max; ++each)
                some.push_back(find<Row>(each->second));
        } else if (auto const found = rows.by_index.find(index_key); found != rows.by_index.end()) {
            // A place with the nil key comes before that of the row of this name, which was listed already.
            auto each = found->second.lower_bound({name, {}});
            for (; each != found->second.end() && some.size() < count_max; ++each)
                if (each->first != name) some.push_back(find<Row>(each->second));
        }
        return some;
    }

    template <class Row>
    std::size_t count() const {
        return of<Row>().by_key.size();
    }

    template <class Row>
    std::size_t count(std::string_view index_key) const {
        auto const& indexes = of<Row>().by_index;
        auto const found = indexes.find(index_key);
        return found == indexes.end() ? 0 : found->second.size();
    }

    release_ptr find_release(release_id const& id) const override { return find<release>(id).row; }

    /// Returns the revision of the newest commit in it.
    revision at() const { return at_; }

private:
    friend class store;
    template <class Row>
    detail::rows<Row> const& of() const {
        return std::get<detail::rows<Row>>(tables_);
    }
    template <class Row>
    detail::rows<Row>& of() {
        return std::get<detail::rows<Row>>(tables_);
    }

    std::tuple<detail::rows<workload>, detail::rows<release>, detail::rows<instance>, detail::rows<node>,
               detail::rows<document>>
        tables_;
    revision at_ = 0;
};

}  // namespace rik
