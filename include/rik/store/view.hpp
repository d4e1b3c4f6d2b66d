// All rows of a store in one of its two states, with their indexes.
#pragma once

#include <rik/store/rows.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rik {

namespace detail {

/// All tables of a store.
class tables {
public:
    template <class Row>
    rows<Row> const& of() const {
        return std::get<rows<Row>>(all_);
    }
    template <class Row>
    rows<Row>& of() {
        return std::get<rows<Row>>(all_);
    }

private:
    std::tuple<rows<workload>, rows<release>, rows<instance>, rows<node>, rows<document>> all_;
};

}  // namespace detail

/// What is applied, or what is durable. It belongs to a store, and lives as long.
class view final : public release_source {
public:
    view(view const&) = delete;
    view& operator=(view const&) = delete;

    template <class Row>
    stored<Row> find(typename table<Row>::key const& key) const {
        return of<Row>().find(which_, key);
    }

    /// Finds a row by the name that `table<Row>::name_of` gives.
    template <class Row>
    stored<Row> find_named(std::string_view name) const {
        return of<Row>().find_named(which_, name);
    }

    /// Returns all rows, in the order of their names; rows without names in the order of their keys.
    template <class Row>
    std::vector<stored<Row>> list() const {
        return of<Row>().list(which_);
    }

    /// Returns the rows under one index key, in the same order.
    template <class Row>
    std::vector<stored<Row>> list(std::string_view index_key) const {
        return of<Row>().list(which_, index_key);
    }

    /// Returns up to `count_max` rows whose names come after `name`, in the order of names: of the whole table, or of
    /// those under `index_key` if it is not empty. For tables whose rows have names.
    template <class Row>
    std::vector<stored<Row>> list_after(std::string_view index_key, std::string_view name,
                                        std::size_t count_max) const {
        return of<Row>().list_after(which_, {index_key, name}, count_max);
    }

    template <class Row>
    std::size_t count() const {
        return of<Row>().count(which_);
    }

    template <class Row>
    std::size_t count(std::string_view index_key) const {
        return of<Row>().count(which_, index_key);
    }

    release_ptr find_release(release_id const& id) const override { return find<release>(id).row; }

    /// Returns the revision of the newest commit in it.
    revision at() const { return at_; }

private:
    friend class store;
    view(detail::tables const& all, row_state which) : all_(all), which_(which) {}
    template <class Row>
    detail::rows<Row> const& of() const {
        return all_.of<Row>();
    }

    detail::tables const& all_;
    row_state which_;
    revision at_ = 0;
};

}  // namespace rik
