// What every adapter of the ports `session`, `connector` and `acceptor` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/link/link.hpp>

namespace rik::testing {

/// Two sides that can be joined: all that the test of an adapter has to write. `Out` and `In` are those of the side
/// that dials. Both sides live on the same strand.
template <class Out, class In>
class link_maker {
public:
    virtual ~link_maker() = default;
    virtual event_loop& loop() = 0;
    virtual connector<session<Out, In>>& dialler() = 0;
    virtual acceptor<session<In, Out>>& listener() = 0;
};

/// Call them from a test case, with a new `link` each time: they consist of sections.
void check_link(link_maker<facts, reports>& link);
void check_link(link_maker<from_node, orders>& link);

}  // namespace rik::testing
