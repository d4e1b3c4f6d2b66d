// What every adapter of the ports `byte_stream`, `stream_dialer` and `stream_listener` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/link/link.hpp>

namespace rik::testing {

/// A node that dials and a primary that listens: all that the test of an adapter has to write. Both live on the same
/// strand.
class stream_maker {
public:
    virtual ~stream_maker() = default;
    virtual event_loop& loop() = 0;
    virtual stream_dialer& dialler() = 0;
    virtual stream_listener& listener() = 0;
};

/// Call it from a test case, with a new `streams` each time: it consists of sections.
void check_streams(stream_maker& streams);

}  // namespace rik::testing
