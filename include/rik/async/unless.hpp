// Ends an operation when something else happens first.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace rik {

/// Returns what `work` returns, or nothing if `event` completed first. In that case `work` was cancelled and has ended;
/// if it succeeded all the same, its result is kept. An exception of either is rethrown at once.
/// Cancel: both are cancelled, and `cancelled` is thrown, whatever shape Asio gave it.
template <class T>
awaitable<std::optional<T>> unless(awaitable<> event, awaitable<T> work) {
    auto const executor = co_await asio::this_coro::executor;
    auto race = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                        asio::co_spawn(executor, std::move(event), asio::deferred));
    // Not `work || event`: that waits for a success, so it would hide an exception of `work` until the event.
    auto ended = co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    auto& [order, failure, value, not_happened] = ended;
    if (!failure) co_return std::optional<T>(std::move(value));
    if (!is_cancellation(failure)) std::rethrow_exception(failure);
    if (not_happened && !is_cancellation(not_happened)) std::rethrow_exception(not_happened);
    if (not_happened) throw cancelled{};
    co_return std::nullopt;
}

}  // namespace rik
