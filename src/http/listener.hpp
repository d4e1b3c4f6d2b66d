// Sockets that listen: made, bound, and given their rights.
#pragma once

#include <rik/http/server.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>
#include <optional>
#include <string>

namespace rik::detail {

using stream_socket = asio::generic::stream_protocol::socket;
using stream_acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

/// One address on which clients connect. Closing it removes its socket file, if that is still its own.
class listener {
public:
    /// Errors: those of http_server::open.
    static result<std::unique_ptr<listener>> open(asio::any_io_executor executor, unix_address const& where, log to);
    static result<std::unique_ptr<listener>> open(asio::any_io_executor executor, tcp_address const& where);
    ~listener();

    http_peer peer() const { return address_ ? http_peer::tcp : http_peer::unix_socket; }
    /// Nothing for a unix socket.
    std::optional<tcp_address> const& address() const { return address_; }
    stream_acceptor& acceptor() { return acceptor_; }
    void close();

private:
    explicit listener(asio::any_io_executor executor) : acceptor_(std::move(executor)) {}

    stream_acceptor acceptor_;
    std::optional<tcp_address> address_;
    std::string path_;
    unsigned long long file_ = 0;  ///< the inode of `path_`
};

}  // namespace rik::detail
