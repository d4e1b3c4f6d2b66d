// Servers for probes, on the test's own context: each connection is served by a coroutine of the test.
#pragma once

#include <rik/async/task_group.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace rik::testing {

/// Serves until it is stopped.
class probed_server {
public:
    using socket = asio::ip::tcp::socket;
    using behaviour = std::function<awaitable<>(socket&)>;

    probed_server(asio::io_context& context, behaviour what)
        : what_(std::move(what)),
          acceptor_(context, {asio::ip::make_address("127.0.0.1"), 0}),
          served_(context.get_executor()) {
        served_.spawn(accept());
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    int connection_count() const { return connection_count_; }
    awaitable<> stop() { return served_.stop(); }

private:
    awaitable<> accept() {
        for (;;) {
            auto [failure, made] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
            if (failure) throw cancelled{};
            ++connection_count_;
            served_.spawn(serve(std::move(made)));
        }
    }
    awaitable<> serve(socket over) { co_await what_(over); }

    behaviour what_;
    asio::ip::tcp::acceptor acceptor_;
    int connection_count_ = 0;
    task_group served_;
};

inline awaitable<> send(asio::ip::tcp::socket& to, std::string text) {
    auto const bytes = asio::buffer(text);
    auto const ended = co_await asio::async_write(to, bytes, asio::as_tuple(asio::use_awaitable));
    (void)ended;  // a probe may have gone
}

inline awaitable<std::string> read_head(asio::ip::tcp::socket& from) {
    std::string text;
    auto bytes = asio::dynamic_buffer(text);
    auto const ended = co_await asio::async_read_until(from, bytes, "\r\n\r\n", asio::as_tuple(asio::use_awaitable));
    (void)ended;
    co_return text;
}

}  // namespace rik::testing
