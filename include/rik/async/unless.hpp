// Ends an operation when something else happens first.
#pragma once

#include <rik/async/keep_result.hpp>

#include <optional>
#include <utility>

namespace rik {

namespace detail {

/// Returns when both have ended; the one that is second was cancelled. What either throws is thrown as `unless` says.
awaitable<> run_unless(awaitable<> event, awaitable<> work);

}  // namespace detail

/// Returns what `work` returns, or nothing if `event` completed first. In that case `work` was cancelled and has ended;
/// if it succeeded all the same, its result is kept. An exception of either is rethrown at once.
/// Cancel: both are cancelled, and `cancelled` is thrown, whatever shape Asio gave it.
template <class T>
awaitable<std::optional<T>> unless(awaitable<> event, awaitable<T> work) {
    std::optional<T> result;
    auto kept = detail::keep_result(std::move(work), result);
    co_await detail::run_unless(std::move(event), std::move(kept));
    co_return result;
}

}  // namespace rik
