// A small HTTP/1.1 server for unix sockets and TCP. Everything in it is bounded, and it stops without losing a reply.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/http/message.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

struct unix_address {
    std::string path;
    std::string group = {};  ///< gets the socket (mode 0660) if the group exists and this process may do that
};

struct tcp_address {
    std::string host = "127.0.0.1";  ///< an IP address, "localhost", or empty for all addresses of the machine
    std::uint16_t port = 0;          ///< 0: any that is free
};

/// Parses "127.0.0.1:5000", "[::1]:5000", "localhost:5000", ":5000" (all addresses of the machine), "5000" (loopback).
/// Errors: invalid, it is none of these.
result<tcp_address> parse_tcp_address(std::string_view text);

/// Time-outs are noticed within `check_period`.
struct http_limits {
    std::size_t header_bytes_max = limits::http_header_bytes_max;
    std::size_t header_count_max = limits::http_header_count_max;
    std::size_t body_bytes_max = limits::http_body_bytes_max;
    /// For the unix socket, and as many again for TCP, so that clients of the one cannot lock out those of the other.
    std::size_t connections_max = limits::http_connections_max;
    /// For each of the two likewise: how many connections may send streams or be upgraded. The rest is for short
    /// requests.
    std::size_t streams_max = limits::http_connections_max / 10 * 9;
    /// For both together. A request whose body is larger than a few KiB is refused while there is no room for it.
    std::size_t requests_bytes_max = limits::http_requests_bytes_max;
    /// For both together: what clients have not read yet. Past it, clients that have been reading a reply for more than
    /// a second are cut off, the slowest first; past four times as much, any client.
    std::size_t replies_bytes_max = limits::http_replies_bytes_max;
    duration header_timeout = limits::http_header_timeout;  ///< from its first byte, or from the connection's begin
    duration body_timeout = limits::http_body_timeout;
    duration write_timeout = limits::http_write_timeout;  ///< for each piece, of 256 KiB at most
    duration idle_timeout = limits::http_idle_timeout;    ///< between two requests
    /// A connection that has been idle for longer is closed when another client needs its place.
    duration idle_spared = std::chrono::seconds(5);
    /// For requests, and upgraded connections, when the server stops; and for the latter after their client has gone.
    duration stop_grace = limits::http_stop_grace;
    duration check_period = limits::http_check_period;
};

struct http_options {
    std::optional<unix_address> local = {};
    std::vector<tcp_address> tcp = {};
    /// Host names by which clients may call this server over TCP, besides IP addresses and localhost. Any other name in
    /// Host is refused, because a page in a browser can make a name of its own point to this machine (DNS rebinding).
    std::vector<std::string> host_names = {};
    /// Origins ("https://console.example") whose pages may call this server, besides its own.
    std::vector<std::string> origins = {};
    http_limits limits = {};
};

/// May be used from any thread. Each connection has a strand of its own on the given executor, which may have several
/// threads. What a handler throws is logged and answered with 500.
class http_server {
public:
    /// Binds all addresses. Clients can connect from then on, and are answered after `start`. A socket file on which
    /// nobody answers is replaced. `time` and `handler` must outlive the server.
    /// Errors: conflict, an address is in use, or the path is there and is no socket; invalid, an address is not
    /// valid, or the directory of the path is missing; denied, the system does not allow it; internal.
    static result<std::unique_ptr<http_server>> open(asio::any_io_executor executor, clock& time, http_handler& handler,
                                                     http_options options, log to);
    /// Precondition: it was not started, or `stop` has returned.
    ~http_server();
    http_server(http_server const&) = delete;
    http_server& operator=(http_server const&) = delete;

    /// Begins to answer requests. Call it once.
    awaitable<> start();

    /// Stops accepting, ends idle connections and streams at once, lets upgraded connections read that the server
    /// stops, gives these and other requests http_limits::stop_grace, and then cancels them. Nothing of the server runs
    /// any more when this returns. It runs to its end even if it is cancelled.
    awaitable<> stop();

    /// Returns the addresses on which it listens, with the ports that were picked.
    std::vector<tcp_address> const& tcp_addresses() const;

    std::size_t connection_count() const;

private:
    class impl;
    explicit http_server(std::unique_ptr<impl> self);
    std::unique_ptr<impl> self_;
};

}  // namespace rik
