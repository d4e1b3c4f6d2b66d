// A world with its own time: everything in one thread, repeatable from one seed.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/keep_result.hpp>
#include <rik/base/entropy.hpp>
#include <rik/base/time.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <utility>

namespace rik::sim {

/// Time that passes only when nothing else is left to do. It then jumps to the next moment that a coroutine waits for.
class virtual_clock final : public clock {
public:
    time_point now() const override { return now_; }
    wall_time wall() const override;
    awaitable<> sleep_until(time_point when) override;

private:
    friend class world;
    struct sleeper;
    /// Wakes the first of those that wait for the earliest moment. Returns false if none waits, or only past `horizon`.
    bool advance(time_point horizon);

    time_point now_{};
    duration wall_set_by_{};
    std::uint64_t order_ = 0;
    /// Equal moments in order of creation.
    std::map<std::pair<time_point, std::uint64_t>, sleeper*> sleepers_;
};

/// Owns the time, the random numbers and the one thread of a simulation. A thousand nodes for a month take seconds of
/// real time.
///
///     sim::world world(seed);
///     world.run(scenario(world));   // throws what the scenario throws; std::runtime_error if it waits for ever
class world {
public:
    explicit world(std::uint64_t seed = 1) : context_(1), random_(seed) {}
    world(world const&) = delete;
    world& operator=(world const&) = delete;

    clock& time() { return clock_; }
    entropy& random() { return random_; }
    asio::any_io_executor executor() { return context_.get_executor(); }

    /// Runs until `work` has returned; other coroutines go on meanwhile. Throws what `work` throws. If nothing can
    /// happen any more, or `limit` of virtual time has passed, `work` is cancelled and this throws
    /// std::runtime_error("deadlock").
    void run(awaitable<> work, duration limit = std::chrono::hours(24 * 365));

    /// The same, for a value.
    template <class T>
    T run(awaitable<T> work) {
        std::optional<T> returned;
        run(rik::detail::keep_result(std::move(work), returned));
        return std::move(*returned);
    }

    /// Lets `length` of virtual time pass.
    void run_for(duration length);

    /// Sets the wall clock, forward or back; the other clock goes on.
    void set_wall(duration by) { clock_.wall_set_by_ += by; }

private:
    void settle();

    virtual_clock clock_;  // before the context: whoever still sleeps leaves the clock when the context ends
    asio::io_context context_;
    seeded_entropy random_;
};

}  // namespace rik::sim
