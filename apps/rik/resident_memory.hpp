// Keeps what is resident near to what is used.
#pragma once

namespace rik::app {

/// For a process with many threads that each need little: they share two heaps. Before any thread is started.
void limit_heaps();

/// Gives back what only the past has needed: free memory of the heap, and pages of code, which come back from the page
/// cache when they are run. That takes less than a millisecond.
void give_back_memory();

}  // namespace rik::app
