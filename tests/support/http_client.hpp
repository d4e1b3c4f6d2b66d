// A client that sends whatever bytes a test wants and reads what comes back, with time-outs.
#pragma once

#include <rik/http/server.hpp>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace rik::test {

struct http_reply {
    int status_code = 0;  ///< 0: the connection ended before a whole head had come
    std::string head = {};
    std::string body = {};
    bool is_whole = false;

    bool has_header(std::string_view line) const { return head.find(line) != head.npos; }
};

class http_client {
public:
    explicit http_client(tcp_address const& to);
    explicit http_client(std::string const& path);
    http_client(http_client const&) = delete;
    http_client& operator=(http_client const&) = delete;
    ~http_client();

    /// False once the server has gone.
    bool send(std::string_view bytes);
    http_reply request(std::string_view method, std::string_view target, std::string_view body = "",
                       std::string_view headers = "");
    http_reply read_reply(bool is_head = false);

    /// Waits until `text` has been received, which stays unread.
    bool read_until(std::string_view text);

    /// Waits until `count` bytes are unread.
    bool read_at_least(std::size_t count);

    /// Has the server ended the connection within `patience`? What it sends before is kept.
    bool is_closed_within(std::chrono::milliseconds patience);

    std::string const& received() const { return received_; }
    std::string take(std::size_t count);
    void close();
    int fd();

private:
    bool read_some(std::chrono::milliseconds patience = std::chrono::seconds(20));
    void read_body(http_reply& reply);
    bool read_chunks(std::string& body);

    asio::io_context io_;
    asio::generic::stream_protocol::socket socket_;
    std::string received_;
    bool is_closed_ = false;
};

}  // namespace rik::test
