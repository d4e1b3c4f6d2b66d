// A connection that goes on with another protocol than HTTP, after a request that asked for it.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <string>
#include <string_view>

namespace rik {

/// The connection of a client that was told 101. It is used from the connection's strand only; one `read` and one
/// `write` may wait at the same time. No time-out applies to it any more.
class upgraded_connection {
public:
    virtual ~upgraded_connection() = default;

    /// Returns what has come next, beginning with what the client sent right behind its request; empty at the end: the
    /// client sends no more, but may still read. Errors: unavailable, the client has gone, the connection was closed,
    /// or the server stops. Cancel: nothing is lost.
    virtual awaitable<result<std::string>> read() = 0;

    /// Waits until the system has taken all of `bytes`, for as long as a client that does not read makes it wait. They
    /// count in http_limits::replies_bytes_max. Errors: unavailable, as above, but a server that stops still writes.
    /// Cancel: a part of `bytes` may have been sent.
    virtual awaitable<result<void>> write(std::string bytes) = 0;

    /// Lets the client read the end, after what was written. It may go on sending.
    virtual void end_writing() = 0;

    /// Ends the connection now. What waits fails with unavailable.
    virtual void close() = 0;
};

/// What runs on a connection that a response hands over. The server uses it from the connection's strand, and destroys
/// it there.
class http_upgrade {
public:
    virtual ~http_upgrade() = default;

    /// What the client must ask for, and is told: "websocket". It must not come from a request unchecked.
    virtual std::string_view protocol() const = 0;

    /// Runs until it is done; then the connection is closed in order. `connection` lives until this returns. An
    /// exception is logged and ends the connection. Cancel: it is cancelled when it goes on for longer than
    /// http_limits::stop_grace after the client has gone, or after the server was told to stop.
    virtual awaitable<> run(upgraded_connection& connection) = 0;
};

}  // namespace rik
