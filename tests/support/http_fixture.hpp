// A server with threads of its own, for tests that talk to it over loopback.
#pragma once

#include <rik/http/server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace rik::test {

/// Threads that run what is posted, until destroyed.
class threads {
public:
    explicit threads(int count = 2) : work_(io.get_executor()) {
        for (int i = 0; i < count; ++i) threads_.emplace_back([this] { io.run(); });
    }
    ~threads() {
        work_.reset();
        for (auto& each : threads_) each.join();
    }

    /// Runs `work` there and waits for it here.
    template <class T>
    T run(awaitable<T> work) {
        return asio::co_spawn(io, std::move(work), asio::use_future).get();
    }

    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

class running_server {
public:
    running_server(threads& on, clock& time, http_handler& handler, http_options options, log to = {})
        : on_(on), server_(open(on, time, handler, std::move(options), to)) {
        on_.run(server_->start());
    }
    ~running_server() { stop(); }

    void stop() {
        if (!stopped_) on_.run(server_->stop());
        stopped_ = true;
    }
    tcp_address address() const { return server_->tcp_addresses().at(0); }
    http_server& server() { return *server_; }

private:
    static std::unique_ptr<http_server> open(threads& on, clock& time, http_handler& handler, http_options options,
                                             log to) {
        auto opened = http_server::open(on.io.get_executor(), time, handler, std::move(options), to);
        if (!opened) throw std::runtime_error(to_string(opened.error()));
        return std::move(*opened);
    }

    threads& on_;
    std::unique_ptr<http_server> server_;
    bool stopped_ = false;
};

inline http_options on_loopback() {
    http_options options;
    options.tcp.push_back(tcp_address());
    return options;
}

/// A path that no other test of this or another process uses.
inline std::string fresh_path(std::string_view name) {
    static std::atomic<int> count = 0;
    return "/tmp/rik-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count) + "-" + std::string(name);
}

/// Waits until `holds`, or gives up.
inline bool eventually(std::function<bool()> const& holds,
                       std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    auto const start = std::chrono::steady_clock::now();
    while (!holds()) {
        if (std::chrono::steady_clock::now() - start > patience) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace rik::test
