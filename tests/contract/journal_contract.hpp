// What every adapter of the port `journal` promises, as a test.
#pragma once

#include "contract/event_loop.hpp"

#include <rik/store/journal.hpp>

#include <memory>

namespace rik::testing {

/// One disk and the journals on it: all that the test of an adapter has to write.
class journal_maker {
public:
    virtual ~journal_maker() = default;
    virtual event_loop& loop() = 0;
    /// Opens the journal as a new process would. What it opened before may still be there.
    virtual std::unique_ptr<journal> open() = 0;
    /// Leaves room for some hundred kilobytes, or some ten batches. Called before `open`. Returns false if this disk
    /// is never full here.
    virtual bool limit_room() { return false; }
    /// There is room again.
    virtual void free_room() {}
};

/// Call it from a test case, with a new `disk` each time: it consists of sections.
void check_journal(journal_maker& disk);

}  // namespace rik::testing
