// The links between roles: ports.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/link/messages.hpp>

#include <memory>
#include <string>

namespace rik {

/// One connection, seen from one end. Messages arrive whole, in order and once, or the session ends. Use it from the
/// strand of its owner, with one `receive` at a time. Destroying it closes it.
template <class Out, class In>
class session {
public:
    virtual ~session() = default;
    /// Waits while the peer's queue is full. Errors: unavailable, the session has ended.
    virtual awaitable<result<void>> send(Out message) = 0;
    /// What was sent before the end may come, in order, or be lost. Errors: unavailable, the session has ended.
    virtual awaitable<result<In>> receive() = 0;
    virtual void close() = 0;
};

/// The side that dials. Errors: unavailable, nobody listens.
template <class Session>
class connector {
public:
    virtual ~connector() = default;
    virtual awaitable<result<std::unique_ptr<Session>>> connect() = 0;
};

/// The side that listens. Errors: unavailable, it was closed.
template <class Session>
class acceptor {
public:
    virtual ~acceptor() = default;
    virtual awaitable<result<std::unique_ptr<Session>>> accept() = 0;
};

using scheduler_session = session<facts, reports>;  ///< held by the primary
using primary_session = session<reports, facts>;    ///< held by the scheduler
using node_session = session<orders, from_node>;    ///< held by the scheduler
using uplink_session = session<from_node, orders>;  ///< held by a node

/// A stream of bytes that a node has dialled on request: logs, and answers about images. It has chunks, not messages.
class byte_stream {
public:
    virtual ~byte_stream() = default;
    /// Waits while the peer's window is full. Errors: unavailable, the other end is gone.
    virtual awaitable<result<void>> write(std::string chunk) = 0;
    /// Returns the next bytes; empty at the end. Errors: the error with which the other end finished; unavailable.
    /// Cancel: nothing is lost.
    virtual awaitable<result<std::string>> read() = 0;
    /// Ends the stream in order: the other end first reads everything that was written, then gets "" or the error
    /// `why`.
    virtual awaitable<result<void>> finish(std::optional<error> why) = 0;
};

/// The node's end of streams. Errors: not_found, nobody waits for this stream, or nobody waits any more.
class stream_dialer {
public:
    virtual ~stream_dialer() = default;
    virtual awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id stream) = 0;
};

/// The primary's end of streams: `expect` waits until the stream is dialled. Cancel: the stream is not waited for any
/// more, so a later `dial` fails.
class stream_listener {
public:
    virtual ~stream_listener() = default;
    virtual awaitable<result<std::unique_ptr<byte_stream>>> expect(stream_id stream) = 0;
};

}  // namespace rik
