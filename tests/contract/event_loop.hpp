// Where the coroutines of a contract run: in real time, or in the virtual time of a world.
#pragma once

#include "support/run.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/async/clock.hpp>
#include <rik/async/unless.hpp>
#include <rik/sim/world.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace rik::testing {

/// Runs both until they have ended. If one throws, the other is cancelled, and this throws the same.
inline awaitable<> together(awaitable<> one, awaitable<> other) {
    auto const executor = co_await asio::this_coro::executor;
    auto both = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(one), asio::deferred),
                                                        asio::co_spawn(executor, std::move(other), asio::deferred));
    auto ended = co_await both.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
    auto& [order, of_one, of_other] = ended;
    if (of_one && !is_cancellation(of_one)) std::rethrow_exception(of_one);
    if (of_other) std::rethrow_exception(of_other);
    if (of_one) std::rethrow_exception(of_one);
}

class event_loop {
public:
    virtual ~event_loop() = default;
    virtual clock& time() = 0;

    /// Returns what `work` returns and throws what it throws. Throws std::runtime_error if it takes too long.
    template <class T>
    T run(awaitable<T> work) {
        std::optional<T> returned;
        run_to_end(run_in_time(keep(std::move(work), returned)));
        return std::move(*returned);
    }
    void run(awaitable<> work) { run_to_end(run_in_time(say_when_done(std::move(work)))); }

protected:
    virtual void run_to_end(awaitable<> work) = 0;

private:
    template <class T>
    static awaitable<bool> keep(awaitable<T> work, std::optional<T>& into) {
        into.emplace(co_await std::move(work));
        co_return true;
    }
    static awaitable<bool> say_when_done(awaitable<> work) {
        co_await std::move(work);
        co_return true;
    }
    awaitable<> run_in_time(awaitable<bool> work) {
        auto const done = co_await unless(time().sleep_for(std::chrono::minutes(1)), std::move(work));
        if (!done) throw std::runtime_error("what was waited for has not come");
    }
};

class real_loop final : public event_loop {
public:
    clock& time() override { return time_; }
    asio::any_io_executor executor() { return context_.get_executor(); }

private:
    void run_to_end(awaitable<> work) override { testing::run(context_, std::move(work)); }

    asio::io_context context_;
    system_clock time_;
};

class virtual_loop final : public event_loop {
public:
    clock& time() override { return world.time(); }
    asio::any_io_executor executor() { return world.executor(); }

    sim::world world;

private:
    void run_to_end(awaitable<> work) override { world.run(std::move(work)); }
};

}  // namespace rik::testing
