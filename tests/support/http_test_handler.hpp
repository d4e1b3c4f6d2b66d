// A handler with a path for each thing that a server must cope with, on a server over loopback.
#pragma once

#include "support/http_client.hpp"
#include "support/http_fixture.hpp"

#include <rik/async/notifier.hpp>

#include <boost/asio/this_coro.hpp>

namespace rik::test {

using namespace std::chrono_literals;

/// Sends one piece, then nothing until it is destroyed.
class endless_source final : public body_source {
public:
    endless_source(asio::any_io_executor strand, std::atomic<int>& open) : open_(open), never_(std::move(strand)) {
        ++open_;
    }
    ~endless_source() override { --open_; }
    awaitable<result<std::string>> next() override {
        if (std::exchange(has_begun_, true)) co_await never_.wait();
        co_return std::string("begin\n");
    }

private:
    std::atomic<int>& open_;
    bool has_begun_ = false;
    notifier never_;
};

/// `count` pieces of `size` bytes; throws after them if told to.
class counted_source final : public body_source {
public:
    counted_source(int count, std::size_t size, bool throws) : count_(count), size_(size), throws_(throws) {}
    awaitable<result<std::string>> next() override {
        if (count_-- > 0) co_return std::string(size_, 'x');
        if (throws_) throw std::runtime_error("a defect of the source");
        co_return std::string();
    }

private:
    int count_;
    std::size_t size_;
    bool throws_;
};

class test_handler final : public http_handler {
public:
    explicit test_handler(rik::clock& time) : time_(time) {}

    awaitable<http_response> handle(http_request request) override {
        ++count;
        auto const what = request.path.empty() ? std::string() : request.path.front();
        if (what == "throw") throw std::runtime_error("a defect of the handler");
        if (what == "slow") co_await time_.sleep_for(300ms);
        if (what == "stuck") co_await time_.sleep_for(1h);
        if (what == "none") co_return make_response(204, "", "");
        if (what == "big") co_return make_response(200, "text/plain", std::string(3u << 20, 'b'));
        if (what == "injected") co_return injected(request);
        if (what == "stream") co_return co_await endless();
        if (what == "pieces") co_return pieces(3, 5, false);
        if (what == "list") co_return list();
        if (what == "flood") co_return pieces(1'000'000, 64u << 10, false);
        if (what == "broken") co_return pieces(2, 5, true);
        co_return make_response(200, "text/plain", describe(request));
    }

    std::atomic<int> count = 0;
    std::atomic<int> open_streams = 0;

private:
    static std::string describe(http_request const& request) {
        auto text = request.method;
        for (auto const& each : request.path) text += "|" + each;
        for (auto const& each : request.query) text += "?" + each.name + "=" + each.value;
        return text + "#" + request.body;
    }
    static http_response injected(http_request const& request) {
        auto response = make_response(200, "text/plain", "");
        response.headers.push_back({"X-Echo", std::string(request.parameter("value").value_or(""))});
        return response;
    }
    awaitable<http_response> endless() {
        auto const strand = co_await asio::this_coro::executor;
        auto response = make_response(200, "text/plain", "");
        response.stream = std::make_unique<endless_source>(strand, open_streams);
        co_return response;
    }
    static http_response pieces(int number, std::size_t size, bool throws) {
        auto response = make_response(200, "text/plain", "");
        response.stream = std::make_unique<counted_source>(number, size, throws);
        return response;
    }

    /// One that ends by itself, longer than the buffers of a connection.
    static http_response list() {
        auto response = pieces(300, 64u << 10, false);
        response.stream_ends = true;
        return response;
    }

    rik::clock& time_;
};

struct fixture {
    explicit fixture(http_options options = on_loopback()) : handler(time), server(on, time, handler, options) {}

    http_client connect() { return http_client(server.address()); }

    threads on{2};
    system_clock time;
    test_handler handler;
    running_server server;
};

inline http_options impatient() {
    auto options = on_loopback();
    options.limits.header_timeout = 200ms;
    options.limits.body_timeout = 200ms;
    options.limits.write_timeout = 200ms;
    options.limits.idle_timeout = 200ms;
    options.limits.stop_grace = 500ms;
    options.limits.check_period = 20ms;
    return options;
}

}  // namespace rik::test
