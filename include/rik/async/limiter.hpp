// Bounds how many run at once.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/unless.hpp>

#include <cstddef>
#include <utility>

namespace rik {

/// Hands out a bounded number of tickets. Use it from one strand only; it must outlive its tickets.
class limiter {
public:
    limiter(asio::any_io_executor executor, std::size_t at_once_max)
        : free_(at_once_max), freed_(std::move(executor)) {}

    /// Returns its place when it is destroyed.
    class ticket {
    public:
        explicit ticket(limiter& from) : from_(&from) {}
        ticket(ticket&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket() { release(); }
        /// Gives its place back now.
        void release() {
            if (auto* const from = std::exchange(from_, nullptr)) from->give_back();
        }

    private:
        limiter* from_;
    };

    /// Waits for a free place. Waiting callers are not served in any promised order.
    awaitable<ticket> acquire() {
        while (free_ == 0) co_await freed_.wait();
        --free_;
        if (free_ > 0) freed_.notify();  // another may wait
        co_return ticket(*this);
    }

    /// Runs `work` in a place that is lent for `at_most`. Work that takes longer goes on without a place, so work that
    /// waits for something never blocks the work of others.
    template <class T>
    awaitable<T> run_lent(clock& time, duration at_most, awaitable<T> work) {
        auto place = co_await acquire();
        auto ended = co_await unless(expire(time, at_most, place), std::move(work));
        co_return std::move(*ended);
    }

private:
    /// Never completes: it ends when it is cancelled.
    static awaitable<> expire(clock& time, duration after, ticket& place) {
        co_await time.sleep_for(after);
        place.release();
        co_await time.sleep_until(time_point::max());
    }
    void give_back() {
        ++free_;
        freed_.notify();
    }
    std::size_t free_;
    notifier freed_;
};

}  // namespace rik
