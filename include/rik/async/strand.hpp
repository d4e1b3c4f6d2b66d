// Executors that run one thing at a time.
#pragma once

#include <rik/async/awaitable.hpp>

namespace rik {

/// A new strand of `executor`. It is the one for roles and servers: where `executor` is that of an io_context, work
/// goes to that directly and not through one more erased type, which would cost each step of each coroutine an
/// allocation.
asio::any_io_executor make_strand_of(asio::any_io_executor const& executor);

}  // namespace rik
