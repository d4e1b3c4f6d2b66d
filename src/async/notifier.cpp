#include <rik/async/notifier.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

namespace rik {

notifier::notifier(asio::any_io_executor executor)
    : never_(std::move(executor), asio::steady_timer::time_point::max()) {}

void notifier::notify() {
    ++count_;
    if (never_.cancel() == 0) is_remembered_ = true;
}

awaitable<> notifier::wait() {
    auto const count_before = count_;
    while (!is_remembered_ && count_ == count_before) {
        auto const [woken] = co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
        (void)woken;  // both a notification and a cancellation end the wait as "aborted"
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() == asio::cancellation_type::none) continue;
        if (count_ != count_before) is_remembered_ = true;  // this one does not look any more, so the next must
        throw cancelled{};
    }
    is_remembered_ = false;
}

}  // namespace rik
