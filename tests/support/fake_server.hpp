// A tiny HTTP server for tests of clients: one thread, one request per connection, replies by a function.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

struct fake_request {
    std::string line;  ///< "GET /path HTTP/1.1"
    std::string head;
    std::string body;

    std::string header(std::string const& name) const {
        auto const at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return {};
        auto const start = at + name.size() + 4;
        return head.substr(start, head.find("\r\n", start) - start);
    }
};

/// What to send, in pieces with a short pause between; then the connection is closed, or kept until the server ends.
struct fake_reply {
    std::vector<std::string> pieces;
    bool stays_open = false;
};

inline fake_reply reply_with(int status, std::string const& body, std::string const& type = "application/json") {
    return {{"HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body}};
}

inline std::string chunk(std::string const& data) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
}

/// A stream: each of `parts` in a chunk of its own. Without the last chunk it looks like a server that died.
inline fake_reply stream_of(std::string const& type, std::vector<std::string> const& parts, bool has_end) {
    fake_reply reply{{"HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nContent-Type: " + type +
                      "\r\nTransfer-Encoding: chunked\r\n\r\n"}};
    for (auto const& part : parts) reply.pieces.push_back(chunk(part));
    if (has_end) reply.pieces.push_back("0\r\n\r\n");
    return reply;
}

class fake_server {
public:
    using handler = std::function<fake_reply(fake_request const&)>;

    explicit fake_server(handler answer)
        : answer_(std::move(answer)),
          acceptor_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}),
          thread_([this] { serve(); }) {}

    ~fake_server() {
        is_over_ = true;
        boost::system::error_code ignored;
        boost::asio::ip::tcp::socket knock(io_);
        knock.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }

    std::string address() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

    std::vector<fake_request> requests() const {
        std::lock_guard const lock(mutex_);
        return requests_;
    }

private:
    void serve() {
        for (;;) {
            boost::system::error_code problem;
            auto socket = acceptor_.accept(problem);
            if (is_over_) return;
            if (!problem) serve_one(std::move(socket));
        }
    }

    void serve_one(boost::asio::ip::tcp::socket socket) {
        boost::system::error_code problem;
        std::string text;
        auto const head = boost::asio::read_until(socket, boost::asio::dynamic_buffer(text), "\r\n\r\n", problem);
        if (problem) return;
        fake_request request{text.substr(0, text.find("\r\n")), text.substr(0, head), text.substr(head)};
        auto const length = request.header("Content-Length");
        auto const wanted = length.empty() ? 0u : std::stoul(length);
        while (request.body.size() < wanted && !problem) {
            char part[4096];
            auto const count = socket.read_some(boost::asio::buffer(part), problem);
            request.body.append(part, count);
        }
        {
            std::lock_guard const lock(mutex_);
            requests_.push_back(request);
        }
        auto const reply = answer_(request);
        for (auto const& piece : reply.pieces) {
            boost::asio::write(socket, boost::asio::buffer(piece), problem);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        if (reply.stays_open) open_.push_back(std::move(socket));
    }

    handler answer_;
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<boost::asio::ip::tcp::socket> open_;
    mutable std::mutex mutex_;
    std::vector<fake_request> requests_;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

}  // namespace test
