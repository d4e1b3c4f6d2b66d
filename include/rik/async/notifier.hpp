// Says "look again": the waking half of a level-triggered loop.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>

namespace rik {

/// A notification wakes all who wait; if nobody does, it is remembered for the next who comes, and more of them are
/// one. It may wake for old news: look again at what was waited for. Use it from one strand only.
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
