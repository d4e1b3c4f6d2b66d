// Where random numbers come from: a port, so that a simulated world repeats itself from its seed.
#pragma once

#include <cstdint>

namespace rik {

/// A source of 64 random bits. Not safe for use from two threads at once unless the adapter says so.
class entropy {
public:
    virtual ~entropy() = default;
    virtual std::uint64_t next() = 0;

    /// A number from 0 to `bound - 1`, without bias. Precondition: bound > 0.
    std::uint64_t below(std::uint64_t bound);
};

/// The same numbers for the same seed on every compiler and machine (SplitMix64).
class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override;

private:
    std::uint64_t state_;
};

}  // namespace rik
