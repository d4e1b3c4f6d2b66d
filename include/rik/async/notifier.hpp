// Says "look again": the waking half of a level-triggered loop.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>

namespace rik {

/// `notify` wakes every coroutine that waits. If none waits, the notification is remembered for the next one that does;
/// several remembered notifications count as one. A coroutine may be woken for old news, so it must look again at what
/// it waits for. Use it from one strand only.
class notifier {
public:
    explicit notifier(asio::any_io_executor executor);

    void notify();
    awaitable<> wait();

private:
    asio::steady_timer never_;
    bool is_remembered_ = false;  ///< nobody has looked since the last notification
    std::uint64_t count_ = 0;     ///< of notifications
};

}  // namespace rik
