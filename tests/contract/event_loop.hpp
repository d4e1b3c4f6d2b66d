// Where the coroutines of a contract run: in real time, or in the virtual time of a world.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/keep_result.hpp>
#include <rik/sim/world.hpp>

#include <boost/asio/io_context.hpp>

#include <optional>
#include <utility>

namespace rik::testing {

/// Runs both until they have ended. If one throws, the other is cancelled, and this throws the same.
awaitable<> together(awaitable<> one, awaitable<> other);

class event_loop {
public:
    virtual ~event_loop() = default;
    virtual clock& time() = 0;

    /// Throws what `work` throws. Throws std::runtime_error if it takes too long.
    void run(awaitable<> work);

    /// The same, for a value.
    template <class T>
    T run(awaitable<T> work) {
        std::optional<T> returned;
        run(detail::keep_result(std::move(work), returned));
        return std::move(*returned);
    }

protected:
    virtual void run_to_end(awaitable<> work) = 0;

private:
    awaitable<> run_in_time(awaitable<> work);
};

class real_loop final : public event_loop {
public:
    clock& time() override { return time_; }
    asio::any_io_executor executor() { return context_.get_executor(); }

private:
    void run_to_end(awaitable<> work) override;

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
