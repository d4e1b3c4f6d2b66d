// Ends an operation at a point in time, or when something else has happened.
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

/// What `work` returns, or `why` once `end` has returned; then `work` was cancelled and has ended. Work that succeeds
/// all the same keeps its result. An exception of `work` is rethrown at once. Cancel: both are cancelled too, and
/// `cancelled` is thrown, whatever shape Asio gave it.
template <class T>
awaitable<result<T>> unless(awaitable<> end, error why, awaitable<result<T>> work) {
    // Not `work || end`: that waits for a success, so it would hide an exception of `work` until the end.
    auto const executor = co_await asio::this_coro::executor;
    auto race = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                        asio::co_spawn(executor, std::move(end), asio::deferred));
    auto ended = co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    auto& [order, failure, value, not_ended] = ended;
    if (!failure) co_return std::move(value);
    if (!is_cancellation(failure)) std::rethrow_exception(failure);
    if (not_ended) throw cancelled{};
    co_return why;
}

/// `unless` for a moment. Errors: timed_out, `when` has passed; those of `work`.
template <class T>
awaitable<result<T>> with_deadline(clock& time, time_point when, awaitable<result<T>> work) {
    return unless(time.sleep_until(when), error{errc::timed_out, "the deadline has passed"}, std::move(work));
}

}  // namespace rik
