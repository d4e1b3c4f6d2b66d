// Ends an operation at a point in time.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/unless.hpp>
#include <rik/base/result.hpp>

#include <utility>

namespace rik {

/// Returns what `work` returns. At `when`, `work` is cancelled and awaited; if it succeeds all the same, its result is
/// kept. Errors: timed_out, `when` has passed; those of `work`. Cancel: as in `unless`.
template <class T>
awaitable<result<T>> with_deadline(clock& time, time_point when, awaitable<result<T>> work) {
    auto ended = co_await unless(time.sleep_until(when), std::move(work));
    if (!ended) co_return error{errc::timed_out, "the deadline has passed"};
    co_return std::move(*ended);
}

}  // namespace rik
