// The seeds of a property test: some fixed ones, or the one of RIK_SEED.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace rik::testing {

/// 1 to `count`; RIK_SEED=N: only N.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
    if (auto const* wanted = std::getenv("RIK_SEED")) return {std::stoull(wanted)};
    std::vector<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= count; ++seed) all.push_back(seed);
    return all;
}

}  // namespace rik::testing
