#include "support/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace rik::test {

http_client::http_client(tcp_address const& to) : socket_(io_) {
    asio::ip::tcp::endpoint const endpoint(asio::ip::make_address(to.host), to.port);
    socket_.connect(asio::generic::stream_protocol::endpoint(endpoint));
}

http_client::http_client(std::string const& path) : socket_(io_) {
    socket_.connect(asio::generic::stream_protocol::endpoint(asio::local::stream_protocol::endpoint(path)));
}

http_client::~http_client() = default;

bool http_client::send(std::string_view bytes) {
    boost::system::error_code failure;
    asio::write(socket_, asio::buffer(bytes), failure);
    return !failure;
}

http_reply http_client::request(std::string_view method, std::string_view target, std::string_view body,
                                std::string_view headers) {
    std::string text;
    text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(text.append("\r\n").append(body));
    return read_reply(method == "HEAD");
}

http_reply http_client::read_reply(bool is_head) {
    http_reply reply;
    if (!read_until("\r\n\r\n")) return reply;
    reply.head = take(received_.find("\r\n\r\n") + 4);
    reply.status_code = std::stoi(reply.head.substr(9, 3));
    if (is_head || reply.status_code == 204 || reply.status_code == 100)
        reply.is_whole = true;
    else if (reply.has_header("Transfer-Encoding: chunked"))
        reply.is_whole = read_chunks(reply.body);
    else
        read_body(reply);
    return reply;
}

bool http_client::read_until(std::string_view text) {
    while (received_.find(text) == received_.npos)
        if (!read_some()) return false;
    return true;
}

bool http_client::read_at_least(std::size_t count) {
    while (received_.size() < count)
        if (!read_some()) return false;
    return true;
}

bool http_client::is_closed_within(std::chrono::milliseconds patience) {
    auto const start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < patience)
        if (!read_some(std::chrono::milliseconds(20)) && is_closed_) return true;
    return is_closed_;
}

std::string http_client::take(std::size_t count) {
    auto taken = received_.substr(0, count);
    received_.erase(0, taken.size());
    return taken;
}

void http_client::close() { socket_.close(); }

int http_client::fd() { return socket_.native_handle(); }

bool http_client::read_some(std::chrono::milliseconds patience) {
    pollfd waiting{socket_.native_handle(), POLLIN, 0};
    if (is_closed_ || ::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
    std::array<char, 16384> bytes;
    auto const count = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), 0);
    is_closed_ = count <= 0;
    if (count > 0) received_.append(bytes.data(), static_cast<std::size_t>(count));
    return count > 0;
}

void http_client::read_body(http_reply& reply) {
    auto const field = reply.head.find("Content-Length: ");
    auto const length = field == reply.head.npos ? std::string::npos : std::stoul(reply.head.substr(field + 16));
    read_at_least(length);
    reply.is_whole = length == std::string::npos ? is_closed_ : received_.size() >= length;
    reply.body = take(length);
}

bool http_client::read_chunks(std::string& body) {
    for (;;) {
        if (!read_until("\r\n")) return false;
        auto const line = take(received_.find("\r\n") + 2);
        auto const size = std::stoul(line, nullptr, 16);
        if (!read_at_least(size + 2)) return false;
        body += take(size);
        take(2);
        if (size == 0) return true;
    }
}

}  // namespace rik::test
