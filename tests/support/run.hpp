// Runs a coroutine to its end in a test.
#pragma once

#include <rik/async/keep_result.hpp>

#include <boost/asio/io_context.hpp>

#include <optional>
#include <utility>

namespace rik::testing {

/// Throws what `work` throws. `context` runs until it has ended; other coroutines may be left in it.
void run(asio::io_context& context, awaitable<> work);

/// The same, for a value.
template <class T>
T run(asio::io_context& context, awaitable<T> work) {
    std::optional<T> returned;
    run(context, detail::keep_result(std::move(work), returned));
    return std::move(*returned);
}

/// The same, on a context of its own.
void run(awaitable<> work);

template <class T>
T run(awaitable<T> work) {
    std::optional<T> returned;
    run(detail::keep_result(std::move(work), returned));
    return std::move(*returned);
}

/// The same, on a context that other threads run: this one waits.
void run_elsewhere(asio::io_context& context, awaitable<> work);

template <class T>
T run_elsewhere(asio::io_context& context, awaitable<T> work) {
    std::optional<T> returned;
    run_elsewhere(context, detail::keep_result(std::move(work), returned));
    return std::move(*returned);
}

/// Runs what is ready now, and waits for nothing.
void run_ready(asio::io_context& context);

}  // namespace rik::testing
