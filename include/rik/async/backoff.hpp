// Pauses between tries.
#pragma once

#include <rik/base/entropy.hpp>
#include <rik/base/time.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace rik {

/// A session that ends sooner was no success: pauses go on growing.
inline constexpr duration session_lasting = std::chrono::seconds(1);

/// The first pause is short; each later one may be twice as long as the one before, up to a limit, and is drawn from
/// the upper half of that, so that many who have lost the same peer do not come back at the same moment.
class backoff {
public:
    /// Precondition: 0 < `first` <= `most`.
    backoff(duration first, duration most) : first_(first), most_(most), next_(first) {}

    duration next(entropy& random) {
        auto const whole = std::exchange(next_, std::min(next_ * 2, most_));
        if (whole == first_) return whole;
        auto const half = whole / 2;
        return half + duration(static_cast<duration::rep>(random.below(static_cast<std::uint64_t>(half.count()) + 1)));
    }
    void reset() { next_ = first_; }

private:
    duration first_;
    duration most_;
    duration next_;
};

}  // namespace rik
