#include "due_workloads_detail.hpp"

#include <rik/async/deadline.hpp>

#include <algorithm>

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
    later_[which] = when;
    marked_.notify();
}

void due_workloads::forget(workload_id const& which) {
    now_.erase(which);
    later_.erase(which);
}

void due_workloads::take_those_whose_time_has_come() {
    auto const now = time_.now();
    for (auto each = later_.begin(); each != later_.end();) {
        if (each->second > now) {
            ++each;
            continue;
        }
        mark(each->first);
        each = later_.erase(each);
    }
}

awaitable<> due_workloads::wait_for_more() {
    if (later_.empty()) co_return co_await marked_.wait();
    auto const first = std::ranges::min_element(later_, {}, [](auto const& each) { return each.second; });
    auto const when = first->second;
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
