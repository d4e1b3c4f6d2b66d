// Runs work on another executor, or out of the reach of cancellation.
#pragma once

#include <rik/async/keep_result.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace rik {

/// Runs `work` on `executor`, which must run one thing at a time, and returns its result on the caller's executor.
/// Calls from other threads enter a role by this function only. Cancel: `work` is cancelled and awaited.
awaitable<> on_strand(asio::any_io_executor executor, awaitable<> work);

/// The same, for a value.
template <class T>
awaitable<T> on_strand(asio::any_io_executor executor, awaitable<T> work) {
    std::optional<T> result;
    auto kept = detail::keep_result(std::move(work), result);
    co_await on_strand(std::move(executor), std::move(kept));
    co_return std::move(*result);
}

/// Runs `work` to its end even if the caller is cancelled meanwhile; the caller still waits for it. If the caller was
/// cancelled before it awaits this, `work` never starts, and the await throws.
awaitable<> shield(awaitable<> work);

/// The same, for a value.
template <class T>
awaitable<T> shield(awaitable<T> work) {
    std::optional<T> result;
    auto kept = detail::keep_result(std::move(work), result);
    co_await shield(std::move(kept));
    co_return std::move(*result);
}

namespace detail {

template <class Function>
awaitable<std::invoke_result_t<Function>> invoke_here(Function function) {
    co_return function();
}

/// `offload` of work that blocks.
awaitable<> run_blocking(asio::any_io_executor pool, awaitable<> work);

template <class T>
awaitable<T> run_blocking(asio::any_io_executor pool, awaitable<T> work) {
    std::optional<T> result;
    auto kept = keep_result(std::move(work), result);
    co_await run_blocking(std::move(pool), std::move(kept));
    co_return std::move(*result);
}

}  // namespace detail

/// Calls the blocking `function` on `pool` and returns its result on the caller's executor. A cancelled caller waits
/// until the function has returned, so what the function refers to must live until then.
template <class Function>
awaitable<std::invoke_result_t<Function>> offload(asio::any_io_executor pool, Function function) {
    return detail::run_blocking(std::move(pool), detail::invoke_here(std::move(function)));
}

}  // namespace rik
