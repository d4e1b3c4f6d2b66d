// What the benchmarks share: time in milliseconds, percentiles, work on some threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace rik::bench {

using steady = std::chrono::steady_clock;

inline double milliseconds(steady::duration length) {
    return std::chrono::duration<double, std::milli>(length).count();
}

/// Of `values`, which must not be empty: 0.5 is the median.
inline double percentile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    auto const at = static_cast<std::size_t>(part * static_cast<double>(values.size()));
    return values[std::min(at, values.size() - 1)];
}

/// Calls `work(thread, item)` for every item, on `threads` threads. The first exception ends it.
template <class Work>
void for_each_on(int threads, int items, Work work) {
    std::atomic<int> next = 0;
    std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(threads));
    std::vector<std::jthread> workers;
    for (int thread = 0; thread < threads; ++thread) {
        workers.emplace_back([&, thread] {
            try {
                for (int item = next++; item < items; item = next++) work(thread, item);
            } catch (...) {
                thrown[static_cast<std::size_t>(thread)] = std::current_exception();
                next = items;
            }
        });
    }
    workers.clear();
    for (auto const& each : thrown) {
        if (each) std::rethrow_exception(each);
    }
}

}  // namespace rik::bench
