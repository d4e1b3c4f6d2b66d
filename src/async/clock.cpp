#include <rik/async/clock.hpp>

#include <rik/base/assert.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <sys/random.h>

namespace rik {

time_point system_clock::now() const { return std::chrono::steady_clock::now(); }

wall_time system_clock::wall() const {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

awaitable<> system_clock::sleep_until(time_point when) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, when);
    auto const [failure] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) throw cancelled{};
}

std::uint64_t system_entropy::next() {
    std::uint64_t number = 0;
    auto const got = ::getrandom(&number, sizeof number, 0);
    RIK_ASSERT(got == sizeof number);  // cannot be short below 256 bytes (man getrandom)
    return number;
}

}  // namespace rik
