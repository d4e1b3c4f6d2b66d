// Ends an operation at a point in time.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/async/clock.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace rik {

/// What `work` returns, or timed_out once `when` has passed; then `work` was cancelled and has ended. Work that
/// succeeds all the same keeps its result. An exception of `work` is rethrown at once.
/// Cancel: `work` is cancelled too, and `cancelled` is thrown, whatever shape Asio gave it.
template <class T>
awaitable<result<T>> with_deadline(clock& time, time_point when, awaitable<result<T>> work) {
    // Not `work || sleep`: that waits for a success, so it would hide an exception of `work` until the deadline.
    auto const executor = co_await asio::this_coro::executor;
    auto race =
        asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                asio::co_spawn(executor, time.sleep_until(when), asio::deferred));
    auto ended = co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    auto& [order, failure, value, not_slept] = ended;
    if (!failure) co_return std::move(value);
    if (!is_cancellation(failure)) std::rethrow_exception(failure);
    if (not_slept) throw cancelled{};
    co_return error{errc::timed_out, "the deadline has passed"};
}

}  // namespace rik
