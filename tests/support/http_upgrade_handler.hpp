// A handler that hands connections over, on a server over loopback and a unix socket.
#pragma once

#include "support/http_client.hpp"
#include "support/http_fixture.hpp"

#include <rik/async/notifier.hpp>

#include <boost/asio/this_coro.hpp>

namespace rik::test {

using namespace std::chrono_literals;

struct upgrade_counts {
    std::atomic<int> made = 0;
    std::atomic<int> running = 0;
    std::atomic<int> run = 0;
    std::atomic<int> cancelled_runs = 0;
    std::atomic<int> failed_writes = 0;
    std::atomic<int> stops_read = 0;
    std::atomic<std::size_t> bytes_written = 0;
};

/// Does with its connection what `what` names.
class played_upgrade final : public http_upgrade {
public:
    played_upgrade(std::string what, std::string protocol, upgrade_counts& seen)
        : what_(std::move(what)), protocol_(std::move(protocol)), seen_(seen) {
        ++seen_.made;
    }
    ~played_upgrade() override { --seen_.made; }

    std::string_view protocol() const override { return protocol_; }

    awaitable<> run(upgraded_connection& connection) override {
        ++seen_.run;
        ++seen_.running;
        std::exception_ptr thrown;
        try {
            co_await play(connection);
        } catch (...) {
            thrown = std::current_exception();
        }
        --seen_.running;
        if (is_cancellation(thrown)) ++seen_.cancelled_runs;
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    awaitable<> play(upgraded_connection& connection) {
        if (what_ == "echo") co_await echo(connection);
        if (what_ == "flood") co_await flood(connection);
        if (what_ == "deaf") co_await sleep();
        if (what_ == "throw") throw std::runtime_error("a defect of the upgrade");
        if (what_ == "close") connection.close();
        if (what_ == "say") co_await say(connection);
        if (what_ == "half") co_await end_first(connection);
    }

    awaitable<> echo(upgraded_connection& connection) {
        for (;;) {
            auto piece = co_await connection.read();
            if (!piece) {
                ++seen_.stops_read;
                co_await connection.write("why: " + piece.error().message);
                co_return;
            }
            if (piece->empty()) break;
            if (!co_await connection.write(std::move(*piece))) co_return;
        }
        co_await connection.write("end");
    }

    awaitable<> flood(upgraded_connection& connection) {
        std::string const piece(64u << 10, 'f');
        for (;;) {
            auto const written = co_await connection.write(piece);
            if (!written) break;
            seen_.bytes_written += piece.size();
        }
        ++seen_.failed_writes;
    }

    awaitable<> say(upgraded_connection& connection) { co_await connection.write(std::string(200'000, 's')); }

    /// Ends its half, then takes all that comes.
    awaitable<> end_first(upgraded_connection& connection) {
        co_await connection.write("first");
        connection.end_writing();
        for (;;) {
            auto const piece = co_await connection.read();
            if (!piece || piece->empty()) co_return;
            seen_.bytes_written += piece->size();
        }
    }

    static awaitable<> sleep() {
        notifier never(co_await asio::this_coro::executor);
        co_await never.wait();
    }

    std::string what_;
    std::string protocol_;
    upgrade_counts& seen_;
};

/// "/WHAT?protocol=NAME", and a short answer for "/x".
class upgrading_handler final : public http_handler {
public:
    awaitable<http_response> handle(http_request request) override {
        auto response = make_response(200, "text/plain", "plain");
        if (request.path.at(0) == "x") co_return response;
        auto const protocol = std::string(request.parameter("protocol").value_or("test/1"));
        asked = request.asks_to_upgrade(protocol);
        body = request.body;
        response.headers.push_back({"X-Version", "v4"});
        response.upgrade = std::make_unique<played_upgrade>(request.path.at(0), protocol, seen);
        co_return response;
    }

    upgrade_counts seen;
    std::atomic<bool> asked = false;
    std::string body;
};

inline http_options quick() {
    auto options = on_loopback();
    options.local = unix_address{fresh_path("upgrade.sock")};
    options.limits.header_timeout = 200ms;
    options.limits.body_timeout = 200ms;
    options.limits.write_timeout = 200ms;
    options.limits.idle_timeout = 200ms;
    options.limits.stop_grace = 500ms;
    options.limits.check_period = 20ms;
    return options;
}

struct upgrading {
    explicit upgrading(http_options how = quick()) : options(std::move(how)), server(on, time, handler, options) {}

    http_client connect() { return http_client(server.address()); }
    http_client connect_locally() { return http_client(options.local->path); }
    bool is_over(std::chrono::milliseconds patience = 10s) {
        return eventually([&] { return handler.seen.made == 0 && server.server().connection_count() == 0; }, patience);
    }

    http_options options;
    threads on{2};
    system_clock time;
    upgrading_handler handler;
    running_server server;
};

}  // namespace rik::test
