// How much goes into one message: parts are counted, and their bytes estimated.
#pragma once

#include <rik/base/limits.hpp>
#include <rik/link/messages.hpp>

#include <cstddef>
#include <set>

namespace rik {

/// About how many bytes a part takes on a wire, without its release. Never much less than it takes.
std::size_t approximate_bytes(item const& part);
std::size_t approximate_bytes(instance_id const& part);
std::size_t approximate_bytes(registered_node const& part);
std::size_t approximate_bytes(proposal const& part);
std::size_t approximate_bytes(no_place const& part);
std::size_t approximate_bytes(node_report const& part);
std::size_t approximate_bytes(load_report const& part);
std::size_t approximate_bytes(status_report const& part);
std::size_t approximate_bytes(gone_report const& part);
std::size_t approximate_bytes(held_instance const& part);
std::size_t approximate_bytes(gone_instance const& part);
std::size_t approximate_bytes(order const& part);
std::size_t approximate_bytes(stream_request const& part);

/// What one message may hold.
struct batch_limits {
    std::size_t items_max = limits::batch_items_max;
    std::size_t bytes_max = limits::batch_bytes_max;
};

/// What is left of a message's room. A message has a release once, however many of its parts name it.
class batch_room {
public:
    explicit batch_room(batch_limits most) : most_(most) {}

    /// Takes the room of a part. Returns false if there is not enough: then the message is full. The first part always
    /// has room: one that is too large for any message travels alone.
    template <class Part>
    bool take(Part const& part) {
        if constexpr (requires { part.made_from; }) return take(approximate_bytes(part), 1, part.made_from);
        // A group counts as its instances, and stays whole.
        if constexpr (requires {
                          part.reason;
                          part.instances;
                      })
            return take(approximate_bytes(part), part.instances.size(), nullptr);
        return take(approximate_bytes(part), 1, nullptr);
    }
    bool is_full() const { return is_full_ || count_ >= most_.items_max; }

private:
    bool take(std::size_t bytes, std::size_t count, release_ptr const& named);

    batch_limits most_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    bool is_full_ = false;
    std::set<release_id> releases_;
};

}  // namespace rik
