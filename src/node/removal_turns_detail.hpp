// Who goes first on a node: what starts, before what is removed.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/deadline.hpp>
#include <rik/async/limiter.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <utility>

namespace rik::detail {

inline constexpr std::size_t removals_at_once_max = 4;
inline constexpr duration removal_patience = std::chrono::milliseconds(250);

/// What is deleted takes processor time and locks of the kernel that somebody who waits for a start would miss. Nobody
/// waits for the end of a deletion as eagerly, but what it frees may be needed. Use it from one strand only.
class removal_turns {
public:
    removal_turns(asio::any_io_executor strand, clock& time, limiter& starts)
        : time_(time), starts_(starts), places_(std::move(strand), removals_at_once_max) {}

    /// Runs `removal` when nothing starts or waits for its turn to start, at the latest after removal_patience,
    /// and a bounded number of them at once.
    awaitable<result<void>> run(awaitable<result<void>> removal) {
        auto idle = starts_idle();
        auto const patience = time_.now() + removal_patience;
        auto const waited = co_await with_deadline(time_, patience, std::move(idle));
        (void)waited;  // it has waited long enough
        co_return co_await places_.run_lent(time_, limits::start_place_max, std::move(removal));
    }

private:
    awaitable<result<void>> starts_idle() {
        co_await starts_.wait_until_idle();
        co_return result<void>{};
    }

    clock& time_;
    limiter& starts_;
    limiter places_;
};

}  // namespace rik::detail
