// Ends an operation at a point in time.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/async/clock.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>
#include <variant>

namespace rik {

/// What `work` returns, or timed_out once `when` has passed; then `work` was cancelled and has ended.
/// Cancel: `work` is cancelled too, and `cancelled` is thrown, whatever shape Asio gave it.
template <class T>
awaitable<result<T>> with_deadline(clock& time, time_point when, awaitable<result<T>> work) {
    using namespace asio::experimental::awaitable_operators;
    std::variant<result<T>, std::monostate> ended;
    std::exception_ptr thrown;
    try {
        ended = co_await (std::move(work) || time.sleep_until(when));
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) {
        if (is_cancellation(thrown)) throw cancelled{};
        std::rethrow_exception(thrown);
    }
    if (ended.index() == 1) co_return error{errc::timed_out, "the deadline has passed"};
    co_return std::move(std::get<0>(ended));
}

}  // namespace rik
