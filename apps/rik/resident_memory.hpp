// Keeps what is resident near to what is used.
#pragma once

namespace rik::app {

/// For a process with many threads that each need little: they share two heaps. It also learns what can be given back.
/// Before any thread is started.
void begin_small();

/// Gives back what only the past has needed: free memory of the heap, and pages of files that can only be read or
/// run, which come back from the page cache when they are needed. That takes less than a millisecond.
void give_back_memory();

}  // namespace rik::app
