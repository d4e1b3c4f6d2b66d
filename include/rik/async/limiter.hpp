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
        : places_(at_once_max), free_(at_once_max), freed_(executor), idle_(std::move(executor)) {}

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
    awaitable<ticket> acquire();

    /// Waits until nobody has a place or waits for one.
    awaitable<> wait_until_idle();

    /// Runs `work` in a place that is lent for `at_most`. Work that takes longer goes on without a place, so work that
    /// waits for something never blocks the work of others.
    template <class T>
    awaitable<T> run_lent(clock& time, duration at_most, awaitable<T> work) {
        auto place = co_await acquire();
        auto ended = co_await unless(expire(time, at_most, place), std::move(work));
        co_return std::move(*ended);
    }

private:
    /// Counts one who waits, until it has its place or is cancelled.
    class waiting {
    public:
        explicit waiting(limiter& of) : of_(of) { ++of_.waiting_count_; }
        waiting(waiting const&) = delete;
        waiting& operator=(waiting const&) = delete;
        ~waiting() {
            --of_.waiting_count_;
            of_.tell_if_idle();
        }

    private:
        limiter& of_;
    };

    /// Never completes: it ends when it is cancelled.
    static awaitable<> expire(clock& time, duration after, ticket& place);
    bool is_idle() const { return waiting_count_ == 0 && free_ == places_; }
    void tell_if_idle() {
        if (is_idle()) idle_.notify();
    }
    void give_back() {
        ++free_;
        freed_.notify();
        tell_if_idle();
    }

    std::size_t places_;
    std::size_t free_;
    std::size_t waiting_count_ = 0;
    notifier freed_;
    notifier idle_;
};

}  // namespace rik
