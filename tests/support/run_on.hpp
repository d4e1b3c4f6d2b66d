// Runs coroutines to their end inside a test, and keeps others going beside them.
#pragma once

#include <rik/async/task_group.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace rik::test {

/// What `work` returns, or throws. Everything else on `io` runs meanwhile.
template <class T>
T run_on(asio::io_context& io, awaitable<T> work) {
    std::optional<T> returned;
    std::exception_ptr thrown;
    bool done = false;
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr failure, T value) {
        thrown = failure;
        if (!failure) returned.emplace(std::move(value));
        done = true;
    });
    io.restart();
    while (!done && io.run_one() > 0) {
    }
    if (thrown) std::rethrow_exception(thrown);
    return std::move(returned).value();
}

inline void run_on(asio::io_context& io, awaitable<> work) {
    std::exception_ptr thrown;
    bool done = false;
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr failure) {
        thrown = failure;
        done = true;
    });
    io.restart();
    while (!done && io.run_one() > 0) {
    }
    if (thrown) std::rethrow_exception(thrown);
}

/// Runs what is ready now, and waits for nothing.
inline void run_ready(asio::io_context& io) {
    io.restart();
    io.poll();
}

}  // namespace rik::test
