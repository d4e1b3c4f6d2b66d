// A server with threads of its own, for tests that talk to it over loopback.
#pragma once

#include "support/run.hpp"

#include <rik/http/server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace rik::test {

/// Threads that run what is posted, until destroyed.
class threads {
public:
    explicit threads(int count = 2);
    ~threads();

    /// Runs `work` there and waits for it here.
    template <class T>
    T run(awaitable<T> work) {
        return testing::run_elsewhere(io, std::move(work));
    }

    asio::io_context io;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

class running_server {
public:
    running_server(threads& on, clock& time, http_handler& handler, http_options options, log to = {});
    ~running_server() { stop(); }

    void stop();
    tcp_address address() const { return server_->tcp_addresses().at(0); }
    http_server& server() { return *server_; }

private:
    threads& on_;
    std::unique_ptr<http_server> server_;
    bool stopped_ = false;
};

http_options on_loopback();

/// A path that no other test of this or another process uses.
std::string fresh_path(std::string_view name);

/// Waits until `holds`, or gives up.
bool eventually(std::function<bool()> const& holds, std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace rik::test
