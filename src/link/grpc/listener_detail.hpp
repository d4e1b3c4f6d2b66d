// Where peers of the scheduler connect.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/log.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rik::detail {

/// Accepts connections for gRPC, whose own listener (1.51) stops for good at the first accept that finds no descriptor
/// left. On its strand.
class link_listener {
public:
    /// Takes over the descriptor of a connection, which does not block, and hears on which one it was accepted.
    using taker = std::function<void(int connection, int listening)>;

    link_listener(asio::any_io_executor strand, clock& time, log to)
        : strand_(strand), time_(time), to_(std::move(to)), tasks_(std::move(strand)) {}

    /// `address` is "HOST:PORT"; port 0: any that is free. Errors: unavailable, nothing can listen there.
    result<void> open(std::string const& address);
    std::uint16_t port() const { return port_; }
    void start(taker take);
    /// Nobody is accepted any more. Also after `open` has given an error.
    awaitable<> stop();

private:
    using acceptor = asio::ip::tcp::acceptor;

    boost::system::error_code listen_at(asio::ip::tcp::endpoint where);
    awaitable<> accept(acceptor& from);

    asio::any_io_executor strand_;
    clock& time_;
    log to_;
    taker take_;
    std::vector<acceptor> acceptors_;
    std::uint16_t port_ = 0;
    task_group tasks_;  // last member
};

}  // namespace rik::detail
