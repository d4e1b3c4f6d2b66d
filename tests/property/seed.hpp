// The seed of this run: RIK_SEED, or one of the clock; printed, so that a failure can be replayed.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>

/// The same number all through the run.
inline std::uint64_t test_seed() {
    static auto const seed = [] {
        auto const* const given = std::getenv("RIK_SEED");
        auto const now = std::chrono::system_clock::now().time_since_epoch().count();
        auto const chosen = given != nullptr ? std::strtoull(given, nullptr, 10) : static_cast<std::uint64_t>(now);
        std::cout << "RIK_SEED=" << chosen << std::endl;
        return static_cast<std::uint64_t>(chosen);
    }();
    return seed;
}
