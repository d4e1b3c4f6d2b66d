// A benchmark that is interrupted takes away what it has made, as one does that fails.
#pragma once

#include <atomic>
#include <csignal>
#include <stdexcept>

namespace rik::bench {

inline std::atomic<bool> is_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // a handler of signals may write it

/// From now on SIGINT and SIGTERM do not end the program: `check_interruption` does, on its next call.
inline void heed_interruption() {
    for (auto const each : {SIGINT, SIGTERM}) std::signal(each, [](int) { is_interrupted = true; });
}

/// For loops that wait. Throws std::runtime_error once the program is interrupted.
inline void check_interruption() {
    if (is_interrupted) throw std::runtime_error("interrupted");
}

}  // namespace rik::bench
