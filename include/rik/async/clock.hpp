// Time as a port: real, or virtual in a simulated world.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/entropy.hpp>
#include <rik/base/time.hpp>

namespace rik {

/// `now` drives deadlines and never goes back; `wall` may jump and is only stored and shown.
/// Safe to use from any thread.
class clock {
public:
    virtual ~clock() = default;
    virtual time_point now() const = 0;
    virtual wall_time wall() const = 0;

    /// Completes at `when` or soon after, on the caller's executor.
    virtual awaitable<> sleep_until(time_point when) = 0;
    /// The same, `length` from now.
    awaitable<> sleep_for(duration length) { return sleep_until(now() + length); }
};

/// The machine's clocks.
class system_clock final : public clock {
public:
    time_point now() const override;
    wall_time wall() const override;
    awaitable<> sleep_until(time_point when) override;
};

/// The machine's random numbers (getrandom). Safe to use from any thread.
class system_entropy final : public entropy {
public:
    std::uint64_t next() override;
};

}  // namespace rik
