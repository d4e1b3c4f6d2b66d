#include "support/http_fixture.hpp"

#include <unistd.h>

namespace rik::test {

threads::threads(int count) : work_(io.get_executor()) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { io.run(); });
}

threads::~threads() {
    work_.reset();
    for (auto& each : threads_) each.join();
}

namespace {

std::unique_ptr<http_server> open(threads& on, clock& time, http_handler& handler, http_options options, log to) {
    auto opened = http_server::open(on.io.get_executor(), time, handler, std::move(options), to);
    if (!opened) throw std::runtime_error(to_string(opened.error()));
    return std::move(*opened);
}

}  // namespace

running_server::running_server(threads& on, clock& time, http_handler& handler, http_options options, log to)
    : on_(on), server_(open(on, time, handler, std::move(options), to)) {
    on_.run(server_->start());
}

void running_server::stop() {
    if (!stopped_) on_.run(server_->stop());
    stopped_ = true;
}

http_options on_loopback() {
    http_options options;
    options.tcp.push_back(tcp_address());
    return options;
}

std::string fresh_path(std::string_view name) {
    static std::atomic<int> count = 0;
    return "/tmp/rik-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count) + "-" + std::string(name);
}

bool eventually(std::function<bool()> const& holds, std::chrono::milliseconds patience) {
    auto const start = std::chrono::steady_clock::now();
    while (!holds()) {
        if (std::chrono::steady_clock::now() - start > patience) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace rik::test
