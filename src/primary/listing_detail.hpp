// Lists and watches, as operations give them.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"

#include <rik/primary/operations.hpp>

#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rik::detail {

/// Reads a list slice by slice, so that the strand is not held long: the rows under `index_key` (empty: of the whole
/// table) that are meant, in the order of names. Await it on the strand.
template <class Row>
awaitable<result<listing<Row>>> read_list(asio::any_io_executor strand, cluster_state const& state,
                                          std::string index_key, page part, std::function<bool(Row const&)> is_meant) {
    constexpr std::size_t slice_count_max = 2'000;
    listing<Row> found{.at = state.position()};
    auto after = std::move(part.after);
    for (;;) {
        auto slice = state.durable().list_after<Row>(index_key, after, slice_count_max);
        auto const is_last = slice.size() < slice_count_max;
        if (!slice.empty()) after = table<Row>::name_of(*slice.back());
        for (auto& row : slice) {
            if (!is_meant(*row)) continue;
            if (part.count_max != 0 && found.rows.size() == part.count_max) {
                found.next = table<Row>::name_of(*found.rows.back());
                co_return found;
            }
            found.rows.push_back(std::move(row));
        }
        if (is_last) co_return found;
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

}  // namespace rik::detail
