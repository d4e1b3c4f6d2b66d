// Doors between executors, and a room that cancellation does not enter.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <type_traits>
#include <utility>

namespace rik {

/// Runs `work` on `executor` and returns on the caller's. This is the door for calls from other threads.
/// Cancel: `work` is cancelled and awaited.
template <class T>
awaitable<T> on_strand(asio::any_io_executor executor, awaitable<T> work) {
    return asio::co_spawn(std::move(executor), std::move(work), asio::use_awaitable);
}

/// Runs `work` to its end even when the caller is cancelled meanwhile; the caller waits for it all the same. A caller
/// that was cancelled before gets here never starts it: its await of this throws.
template <class T>
awaitable<T> shield(awaitable<T> work) {
    auto const executor = co_await asio::this_coro::executor;
    auto unconnected = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
    auto running = asio::co_spawn(executor, std::move(work), unconnected);
    co_return co_await std::move(running);
}

namespace detail {

template <class Function>
awaitable<std::invoke_result_t<Function>> invoke_here(Function function) {
    co_return function();
}

}  // namespace detail

/// Calls the blocking `function` on `pool` and returns on the caller's executor. What it refers to must outlive it:
/// a cancelled caller waits for its end.
template <class Function>
awaitable<std::invoke_result_t<Function>> offload(asio::any_io_executor pool, Function function) {
    return shield(on_strand(std::move(pool), detail::invoke_here(std::move(function))));
}

}  // namespace rik
