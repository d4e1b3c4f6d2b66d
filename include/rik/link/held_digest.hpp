// A number that stands for all that a node holds, so that two sides need not compare lists.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/state.hpp>

#include <cstdint>

namespace rik {

/// What one side knows of an instance on a node. A condemned one is `destroying`, whatever it does: so a node that has
/// not heard of it differs.
struct held_state {
    revision fence = 0;
    instance_state state = instance_state::pending;
    std::uint64_t seq = 0;
    friend bool operator==(held_state const&, held_state const&) = default;
};

/// The sum modulo 2^128 of a fixed hash of each instance with its state, and how many there are. Two sides that hold
/// the same have equal digests, in whatever order they came to it; others have not, as far as one can tell.
/// The hash is not made for instances that an attacker chooses.   Source: docs/protocol.md, section 5
class held_digest {
public:
    held_digest() = default;
    held_digest(std::uint64_t high, std::uint64_t low, std::uint64_t count) : high_(high), low_(low), count_(count) {}

    void add(instance_id const& which, held_state const& how);
    /// Precondition: it was added, with this state.
    void remove(instance_id const& which, held_state const& how);

    std::uint64_t high() const { return high_; }
    std::uint64_t low() const { return low_; }
    std::uint64_t count() const { return count_; }
    friend bool operator==(held_digest const&, held_digest const&) = default;

private:
    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace rik
