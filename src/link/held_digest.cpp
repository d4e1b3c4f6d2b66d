#include <rik/link/held_digest.hpp>

#include <rik/base/hash.hpp>

#include <utility>

namespace rik {

namespace {

std::uint64_t word_of(detail::uid_bytes const& bytes, std::size_t from) {
    std::uint64_t word = 0;
    for (auto at = from; at < from + sizeof word; ++at) word = word << 8 | bytes[at];
    return word;
}

/// Two lanes that begin differently: together 128 bits.
std::uint64_t lane(std::uint64_t seed, instance_id const& which, held_state const& how) {
    auto hash = mix(seed, word_of(which.bytes(), 0));
    hash = mix(hash, word_of(which.bytes(), 8));
    hash = mix(hash, how.fence);
    hash = mix(hash, static_cast<std::uint64_t>(how.state));
    return mix(hash, how.seq);
}

std::pair<std::uint64_t, std::uint64_t> hash_of(instance_id const& which, held_state const& how) {
    constexpr std::uint64_t seed_of_high = 0x52494b2d68696768u;  // any two numbers
    constexpr std::uint64_t seed_of_low = 0x52494b2d6c6f7721u;
    return {lane(seed_of_high, which, how), lane(seed_of_low, which, how)};
}

}  // namespace

void held_digest::add(instance_id const& which, held_state const& how) {
    auto const [high, low] = hash_of(which, how);
    low_ += low;
    high_ += high + (low_ < low ? 1 : 0);
    ++count_;
}

void held_digest::remove(instance_id const& which, held_state const& how) {
    auto const [high, low] = hash_of(which, how);
    high_ -= high + (low_ < low ? 1 : 0);
    low_ -= low;
    --count_;
}

}  // namespace rik
