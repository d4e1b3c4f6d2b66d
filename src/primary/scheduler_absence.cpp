#include "scheduler_absence_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

void scheduler_absence::note_connected() {
    if (!std::exchange(was_extended_, true)) since_ = time_.now();
}

void scheduler_absence::note_reported() {
    is_there_ = true;
    was_extended_ = false;
}

void scheduler_absence::note_lost() {
    if (std::exchange(is_there_, false)) since_ = time_.now();
    lost_.notify();
}

awaitable<> scheduler_absence::watch() {
    since_ = time_.now();
    for (;;) {
        co_await time_.sleep_until(since_ + patience_);
        if (!is_there_ && time_.now() < since_ + patience_) continue;
        auto const marked = co_await mark_nodes();
        if (!marked) co_return;  // of the store, which says it itself
        co_await lost_.wait();
    }
}

/// Slice by slice, as reports are taken. A scheduler that comes meanwhile says of each node what it is.
awaitable<result<void>> scheduler_absence::mark_nodes() {
    auto const all = state_.head().list<node>();
    for (std::size_t next = 0; next < all.size() && !is_there_;) {
        auto const room = co_await state_.wait_for_slice();
        if (!room) co_return room;
        for (auto const end = std::min(all.size(), next + limits::instances_per_slice_max); next < end; ++next)
            if (auto marked = nodes_.handle_absence(all[next]->id); !marked) co_return marked;
        co_await asio::post(strand_, asio::use_awaitable);
    }
    if (!is_there_ && !all.empty()) out_.warning("no scheduler is connected: no node is heard");
    co_return result<void>();
}

}  // namespace rik::detail
