// Lists and watches, as operations give them.
#pragma once

#include "cluster_state_detail.hpp"
#include "gate_detail.hpp"

#include <rik/primary/operations.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace rik::detail {

inline wall_time created_at(workload const& row) { return row.created_at; }
inline wall_time created_at(instance const& row) { return row.created_at(); }
inline wall_time created_at(node const& row) { return row.created_at; }

/// Keys are random, and a list should read the same each time. Sorts where the caller is, not on the strand.
template <class Row>
awaitable<result<listing<Row>>> oldest_first(awaitable<result<listing<Row>>> reading) {
    auto all = co_await std::move(reading);
    if (all)
        std::stable_sort(all->rows.begin(), all->rows.end(),
                         [](auto const& a, auto const& b) { return created_at(*a) < created_at(*b); });
    co_return all;
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
