// Streams that a node dials on request.
#pragma once

#include "due_facts_detail.hpp"
#include "gate_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/entropy.hpp>
#include <rik/link/link.hpp>

#include <memory>
#include <string>

namespace rik::detail {

/// Asks by what is due, and waits at the listener. It knows no rows.
class node_streams {
public:
    node_streams(clock& time, entropy& random, stream_listener& listener, due_facts& due, gate& entrance)
        : time_(time), random_(random), listener_(listener), due_(due), entrance_(entrance) {}

    /// Errors: unavailable, the node does not answer within limits::stream_dial_timeout, or the primary stops.
    awaitable<result<std::unique_ptr<byte_stream>>> open(stored<node> from, stream_call what);

private:
    clock& time_;
    entropy& random_;
    stream_listener& listener_;
    due_facts& due_;
    gate& entrance_;
};

/// Reads the one text that a node answers. Errors: exhausted, it is too long; those of the stream.
awaitable<result<std::string>> read_answer(byte_stream& from);

}  // namespace rik::detail
