#include <rik/async/notifier.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

namespace rik {

notifier::notifier(asio::any_io_executor executor)
    : never_(std::move(executor), asio::steady_timer::time_point::max()) {}

void notifier::notify() {
    ++notified_count_;
    if (never_.cancel() == 0) remembered_ = true;
}

awaitable<> notifier::wait() {
    auto const count_before = notified_count_;
    while (!remembered_ && notified_count_ == count_before) {
        auto const [woken] = co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
        (void)woken;  // both a notification and a cancellation end the wait as "aborted"
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() == asio::cancellation_type::none) continue;
        if (notified_count_ != count_before) remembered_ = true;  // this one does not look, so the next must
        throw cancelled{};
    }
    remembered_ = false;
}

}  // namespace rik
