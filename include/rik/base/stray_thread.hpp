// Marks a thread that left its namespaces and could not come back.
#pragma once

#include <rik/base/result.hpp>

namespace rik {

/// Work on the namespaces of Pods enters them for a moment, and several pieces of such work share one thread. If one of
/// them could not come back, none of them may do anything for the node on this thread any more: it would be done inside
/// of a Pod.
class stray_thread {
public:
    /// Marks the calling thread as stray, for the rest of its life.
    static void mark();
    /// Errors: internal, the calling thread is stray.
    static result<void> check();
};

}  // namespace rik
