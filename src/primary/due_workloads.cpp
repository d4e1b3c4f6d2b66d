#include "due_workloads_detail.hpp"

#include <rik/async/deadline.hpp>

namespace rik::detail {

namespace {

awaitable<result<void>> notified(notifier& marked) {
    co_await marked.wait();
    co_return result<void>{};
}

}  // namespace

void due_workloads::mark(workload_id const& which) {
    if (!now_.insert(which).second) return;
    order_.push_back(which);
    marked_.notify();
}

void due_workloads::mark_at(workload_id const& which, time_point when) {
    auto const [known, is_new] = later_.try_emplace(which, when);
    if (!is_new && known->second == when) return;
    by_time_.erase({known->second, which});
    known->second = when;
    by_time_.emplace(when, which);
    marked_.notify();
}

void due_workloads::forget_time(workload_id const& which) {
    auto const known = later_.find(which);
    if (known == later_.end()) return;
    by_time_.erase({known->second, which});
    later_.erase(known);
}

void due_workloads::forget(workload_id const& which) {
    now_.erase(which);
    forget_time(which);
}

void due_workloads::take_those_whose_time_has_come() {
    auto const now = time_.now();
    while (!by_time_.empty() && by_time_.begin()->first <= now) {
        auto const which = by_time_.begin()->second;
        mark(which);
        forget_time(which);
    }
}

awaitable<> due_workloads::wait_for_more() {
    if (by_time_.empty()) co_return co_await marked_.wait();
    auto const when = by_time_.begin()->first;
    auto waiting = notified(marked_);
    [[maybe_unused]] auto const in_time = co_await with_deadline(time_, when, std::move(waiting));
}

awaitable<workload_id> due_workloads::next() {
    for (;;) {
        take_those_whose_time_has_come();
        while (!order_.empty()) {
            auto const first = order_.front();
            order_.pop_front();
            if (now_.erase(first) > 0) co_return first;
        }
        co_await wait_for_more();
    }
}

}  // namespace rik::detail
