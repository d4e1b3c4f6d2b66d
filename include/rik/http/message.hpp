// Requests and responses of HTTP as plain values, and the port that answers them.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/http/upgrade.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// How a client reached the server.
enum class http_peer : std::uint8_t { unix_socket, tcp };

struct http_field {
    std::string name;
    std::string value;
    friend bool operator==(http_field const&, http_field const&) = default;
};

/// A request as far as a handler needs it. The path and the query are decoded; nothing else is.
struct http_request {
    std::string method;                    ///< as received: "GET"
    std::string target;                    ///< as received: "/a%2Fb/c?d=e"
    std::vector<std::string> path = {};    ///< its segments: "a/b", "c"; one slash at the end is left out
    std::vector<http_field> query = {};    ///< in order; a parameter without '=' has an empty value
    std::vector<http_field> headers = {};  ///< in order
    std::string body = {};                 ///< whole
    http_peer peer = http_peer::unix_socket;

    /// Returns the first header of that name, ignoring case.
    std::optional<std::string_view> header(std::string_view name) const;
    /// Returns the first query parameter of exactly that name.
    std::optional<std::string_view> parameter(std::string_view name) const;
    /// Returns true if the client asks to go on with `protocol` on this connection; case does not matter. A handler
    /// that knows several protocols chooses by this.   Source: RFC 9110, section 7.8.
    bool asks_to_upgrade(std::string_view protocol) const;
};

/// A body that is made while it is sent, piece by piece. The server uses it from one strand, and destroys it there when
/// the body has ended, the client has gone or the server stops.
class body_source {
public:
    virtual ~body_source() = default;

    /// Returns the next piece; empty at the end. An error ends the connection, so that the client sees that the body is
    /// not whole.
    virtual awaitable<result<std::string>> next() = 0;

    /// Runs beside `next` for as long as the body is sent, for a source that feeds `next` by a task of its own. It may
    /// return before.
    virtual awaitable<> run();
};

struct http_response {
    unsigned status_code = 200;
    std::string content_type = {};         ///< empty: no such header
    std::vector<http_field> headers = {};  ///< further ones; their values must not come from a request unchecked
    std::string body = {};
    std::unique_ptr<body_source> stream = {};  ///< if set, sent instead of `body`, chunked
    /// The stream waits for nothing and ends soon by itself. So it does not count as a stream in the limits, and a
    /// server that stops sends it to its end.
    bool stream_ends = false;
    /// If set, the connection is handed over to it, after 101 with `headers`; the rest of the response is not sent. It
    /// counts as a stream in the limits. It never runs for a client that did not ask for its protocol, that sent HEAD
    /// or that speaks HTTP/1.0 (all are told 426), nor for one that had no room among the streams or is gone by then.
    /// So what it needs is to be started by its `run`.
    std::unique_ptr<http_upgrade> upgrade = {};
};

http_response make_response(unsigned status_code, std::string content_type, std::string body);

/// "Not Found" for 404; "Unknown" for a code that RFC 9110 does not name.
std::string_view reason_phrase(unsigned status_code);

/// Answers requests. It is called on the strand of the connection, and so by several threads at once for several
/// connections. Cancel: a server that is being stopped cancels what still runs after its grace period.
class http_handler {
public:
    virtual ~http_handler() = default;

    /// An exception is logged and answered with 500.
    virtual awaitable<http_response> handle(http_request request) = 0;

    /// Returns the answer for a request that the server itself refuses (400, 403, 408, 413, 426, 431, 500, 503 and
    /// the like). `target` is empty if it was not read yet. By default the answer is plain text.
    virtual http_response refusal(unsigned status_code, std::string_view message, std::string_view target);
};

}  // namespace rik
