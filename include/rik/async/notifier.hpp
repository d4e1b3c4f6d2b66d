// Says "look again": the waking half of a level-triggered loop.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>

namespace rik {

/// Remembers one notification until somebody waits for it; more of them are one. Use it from one strand only.
class notifier {
public:
    explicit notifier(asio::any_io_executor executor);

    /// Wakes all who wait; if nobody does, the next `wait` returns at once.
    void notify();
    awaitable<> wait();

private:
    asio::steady_timer never_;
    std::uint64_t notified_count_ = 0;
    bool remembered_ = false;
};

}  // namespace rik
