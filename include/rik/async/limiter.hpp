// Bounds how many run at once.
#pragma once

#include <rik/async/notifier.hpp>

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
        ~ticket() {
            if (from_ != nullptr) from_->give_back();
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

private:
    void give_back() {
        ++free_;
        freed_.notify();
    }
    std::size_t free_;
    notifier freed_;
};

}  // namespace rik
