// Lists and watches, as operations give them.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"
#include "lookup_detail.hpp"

#include <rik/primary/operations.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rik::detail {

/// Which rows a list is of.
struct list_range {
    std::string index_key = {};  ///< empty: the whole table
    std::string tenant = {};     ///< empty: all
};

/// Takes off what comes behind the rows of a tenant. Returns true if there was some.
template <class Row>
bool cut_at_end_of(std::string const& tenant, std::vector<stored<Row>>& slice) {
    if (tenant.empty()) return false;
    auto const prefix = name_prefix(tenant);
    auto const is_behind = [&](stored<Row> const& row) { return !table<Row>::name_of(*row).starts_with(prefix); };
    auto const end = std::find_if(slice.begin(), slice.end(), is_behind);
    auto const is_cut = end != slice.end();
    slice.erase(end, slice.end());
    return is_cut;
}

template <class Row>
struct list_slice {
    std::vector<stored<Row>> rows;
    bool is_last = false;
};

/// The rows of `range` after `after`, so many that the strand is not held long.
template <class Row>
list_slice<Row> slice_after(view const& in, list_range const& range, std::string const& after) {
    constexpr std::size_t slice_count_max = 2'000;
    list_slice<Row> slice{.rows = in.list_after<Row>(range.index_key, after, slice_count_max)};
    auto const is_end_of_table = slice.rows.size() < slice_count_max;
    slice.is_last = cut_at_end_of(range.tenant, slice.rows) || is_end_of_table;
    return slice;
}

/// Counts the rows of `range` that are meant, slice by slice.
template <class Row>
awaitable<std::size_t> count_rows(asio::any_io_executor strand, cluster_state const& state, list_range range,
                                  std::function<bool(Row const&)> is_meant) {
    auto after = range.tenant.empty() ? std::string() : name_prefix(range.tenant);
    std::size_t count = 0;
    for (;;) {
        auto const slice = slice_after<Row>(state.durable(), range, after);
        for (auto const& row : slice.rows) count += is_meant(*row) ? 1 : 0;
        if (slice.is_last) co_return count;
        after = table<Row>::name_of(*slice.rows.back());
        co_await asio::post(strand, asio::use_awaitable);
    }
}

/// Returns false if no page of such a list ends at `after`.
template <class Row>
bool may_be_position(std::string const& after, list_range const& range) {
    if constexpr (std::is_same_v<Row, node>) return true;
    if (after.empty()) return true;
    return range.tenant.empty() ? after.find('/') != std::string::npos : after.starts_with(name_prefix(range.tenant));
}

/// Reads a list slice by slice, so that the strand is not held long: the rows of `range` that are meant, in the order
/// of names. Await it on the strand. Errors: not_found, its tenant does not exist; invalid, no page ends where `part`
/// begins.
template <class Row>
awaitable<result<listing<Row>>> read_list(asio::any_io_executor strand, cluster_state const& state, list_range range,
                                          page part, std::function<bool(Row const&)> is_meant) {
    if (auto const missing = check_listed(state.durable(), range.tenant)) co_return *missing;
    if (!may_be_position<Row>(part.after, range))
        co_return error{errc::invalid, "the position is none of this list", "continue", "begin the list anew"};
    listing<Row> found{.at = state.position()};
    if (part.wants_total) {
        found.total = co_await count_rows<Row>(strand, state, range, is_meant);
        found.at = state.position();
    }
    auto after = std::move(part.after);
    if (!range.tenant.empty()) after = std::max(after, name_prefix(range.tenant));
    for (;;) {
        auto slice = slice_after<Row>(state.durable(), range, after);
        if (!slice.rows.empty()) after = table<Row>::name_of(*slice.rows.back());
        for (auto& row : slice.rows) {
            if (!is_meant(*row)) continue;
            if (part.count_max != 0 && found.rows.size() == part.count_max) {
                found.next = table<Row>::name_of(*found.rows.back());
                co_return found;
            }
            found.rows.push_back(std::move(row));
        }
        if (slice.is_last) co_return found;
        co_await asio::post(strand, asio::use_awaitable);
    }
}

/// Which of the changes under a subscription are meant. Called from any thread, so it refers to nothing of the strand.
using change_filter = std::function<bool(change const&)>;

/// True if `meant` takes the row as it was or as it is.
template <class Row, class Predicate>
change_filter either_side(Predicate meant) {
    return [meant = std::move(meant)](change const& done) {
        auto const& row = std::get<row_change<Row>>(done.row);
        return (row.before && meant(*row.before)) || (row.after && meant(*row.after));
    };
}

/// A watch of what `what` and `meant` say; it may be read from any thread. Call it on the strand.
std::unique_ptr<watch_source> open_watch(asio::any_io_executor strand, cluster_state& state, subscription what,
                                         change_filter meant);
/// The same, of what is in `tenant`, which may be empty. Errors: not_found, it does not exist.
result<std::unique_ptr<watch_source>> open_watch_in(std::string const& tenant, asio::any_io_executor strand,
                                                    cluster_state& state, subscription what, change_filter meant);

}  // namespace rik::detail
