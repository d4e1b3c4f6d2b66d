#include <rik/async/notifier.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

namespace rik {

notifier::notifier(asio::any_io_executor executor)
    : never_(std::move(executor), asio::steady_timer::time_point::max()) {}

void notifier::notify() {
    notified_ = true;
    never_.cancel();
}

awaitable<> notifier::wait() {
    while (!notified_) {
        auto const [woken] = co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
        (void)woken;  // both a notification and a cancellation end the wait as "aborted"
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw cancelled{};
    }
    notified_ = false;
}

}  // namespace rik
