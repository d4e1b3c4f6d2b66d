// What is said of an instance that has no node, because nothing has room for it.
#pragma once

#include "event_writer_detail.hpp"

#include <rik/store/transaction.hpp>

#include <string_view>

namespace rik::detail {

/// Writes the reason into its row, and an event if it waits for something else than before, on however many nodes.
/// Returns false if it says so already. Precondition: it is pending.
bool note_unplaced(transaction& into, event_writer& events, stored<instance> const& row, std::string_view reason);

}  // namespace rik::detail
