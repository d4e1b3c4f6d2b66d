// A thread that left its namespaces and could not come back.
#pragma once

#include <rik/base/result.hpp>

namespace rik {

/// Who works on the namespaces of Pods enters them for a moment, and several do so on one thread. Where one of them
/// could not come back, nothing of the node's may be done any more by any of them: it would be done in a Pod.
class stray_thread {
public:
    /// The calling thread is one, for the rest of its life.
    static void mark();
    /// Errors: internal, the calling thread is one.
    static result<void> check();
};

}  // namespace rik
