// A program outside of the project: a pure function and a coroutine of librik.
#include <rik/async/clock.hpp>
#include <rik/async/deadline.hpp>
#include <rik/base/quantity.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <utility>

namespace {

using namespace std::chrono_literals;

rik::awaitable<rik::result<std::int64_t>> parse_later(rik::clock& time, std::string_view text) {
    co_await time.sleep_for(1ms);
    co_return rik::parse_quantity(text, 1);
}

rik::awaitable<rik::result<std::int64_t>> parse_in_time(rik::clock& time, std::string_view text) {
    co_return co_await rik::with_deadline(time, time.now() + 10s, parse_later(time, text));
}

}  // namespace

int main() {
    boost::asio::io_context context;
    rik::system_clock time;
    int status = EXIT_FAILURE;
    boost::asio::co_spawn(context, parse_in_time(time, "64Mi"),
                          [&](std::exception_ptr failure, rik::result<std::int64_t> bytes) {
                              if (!failure && bytes && *bytes == 64 << 20) status = EXIT_SUCCESS;
                          });
    context.run();
    std::cout << (status == EXIT_SUCCESS ? "64Mi is 67108864 bytes\n" : "wrong\n");
    return status;
}
