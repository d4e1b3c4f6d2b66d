// Runs a coroutine to its end in a test.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace rik::testing {

/// What `work` returns or throws. `context` runs until then; other coroutines may be left in it.
template <class T>
T run(asio::io_context& context, awaitable<T> work) {
    std::optional<T> returned;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure, T value) {
        thrown = std::move(failure);
        returned.emplace(std::move(value));
    });
    context.restart();
    while (!returned && context.run_one() != 0) {
    }
    if (!returned) throw std::logic_error("the coroutine waits for ever");
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*returned);
}

inline void run(asio::io_context& context, awaitable<> work) {
    bool ended = false;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure) {
        thrown = std::move(failure);
        ended = true;
    });
    context.restart();
    while (!ended && context.run_one() != 0) {
    }
    if (!ended) throw std::logic_error("the coroutine waits for ever");
    if (thrown) std::rethrow_exception(thrown);
}

/// Runs what is ready now, and waits for nothing.
inline void run_ready(asio::io_context& context) {
    context.restart();
    context.poll();
}

template <class T>
T run(awaitable<T> work) {
    asio::io_context context;
    return run(context, std::move(work));
}

}  // namespace rik::testing
