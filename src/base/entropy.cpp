#include <rik/base/entropy.hpp>

#include <rik/base/assert.hpp>

namespace rik {

std::uint64_t entropy::below(std::uint64_t bound) {
    RIK_ASSERT(bound > 0);
    // Numbers below `skip` would make the first remainders likelier than the rest.
    auto const skip = (0 - bound) % bound;
    for (;;) {
        auto const number = next();
        if (number >= skip) return number % bound;
    }
}

std::uint64_t seeded_entropy::next() {
    state_ += 0x9e3779b97f4a7c15u;
    auto mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

}  // namespace rik
