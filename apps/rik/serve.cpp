#include "serve.hpp"

#include "logging.hpp"

#include <rik/api/api.hpp>
#include <rik/http/server.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <variant>

namespace rik::app {

namespace {

/// A context on a thread of its own: HTTP connections live here, off the roles' strands.
class web_thread {
public:
    web_thread() : busy_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
    ~web_thread() {
        busy_.reset();
        context_.stop();
        thread_.join();
    }
    asio::any_io_executor executor() { return context_.get_executor(); }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> busy_;
    std::thread thread_;
};

class program {
public:
    program(options const& chosen, log out)
        : chosen_(chosen), out_(out), began_(time_.now()), signals_(context_, SIGINT, SIGTERM) {}

    int run() {
        std::exception_ptr thrown;
        int code = 1;
        asio::co_spawn(context_, serve(), [&](std::exception_ptr failure, int exit_code) {
            thrown = std::move(failure);
            code = exit_code;
        });
        context_.run();
        if (thrown) std::rethrow_exception(thrown);
        return code;
    }

private:
    awaitable<int> serve() {
        auto local = chosen_.local;
        local.out = out_;
        auto opened = co_await local_cluster::open(context_.get_executor(), std::move(local));
        if (!opened) co_return fail("rik cannot start", opened.error());
        auto& cluster = **opened;
        auto const code = co_await serve_api(cluster);
        co_await cluster.stop();
        out_.info("rik has stopped; instances run on");
        co_return code;
    }

    awaitable<int> serve_api(local_cluster& cluster) {
        http_options listening;
        if (!chosen_.socket.empty()) listening.local = unix_address{.path = chosen_.socket, .group = "rik"};
        for (auto const& each : chosen_.listen) {
            auto const address = parse_tcp_address(each);
            if (!address) co_return fail("rik cannot listen", address.error());
            listening.tcp.push_back(*address);
        }
        if (!listening.local && listening.tcp.empty())
            co_return fail("rik cannot start",
                           error{errc::invalid, "it would listen nowhere", {}, "give --socket or --listen"});
        local_admin everybody;
        api handler(cluster.api(), everybody, time_, chosen_.local.version, out_);
        auto server = http_server::open(web_.executor(), time_, handler, std::move(listening), out_);
        if (!server) co_return fail("rik cannot listen", server.error());
        co_await (*server)->start();
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(time_.now() - began_).count();
        out_.info("rik is ready", {{"socket", chosen_.socket}, {"took_ms", fmt::format("{}", took)}});
        for (auto const& each : (*server)->tcp_addresses())
            out_.info("listening", {{"address", fmt::format("{}:{}", each.host, each.port)}});
        auto const code = co_await wait_for_end(cluster);
        co_await (*server)->stop();
        co_return code;
    }

    /// Until a signal, or until a role cannot go on. A second signal ends the process at once.
    awaitable<int> wait_for_end(local_cluster& cluster) {
        using namespace asio::experimental::awaitable_operators;
        auto ended = co_await (signals_.async_wait(asio::use_awaitable) || cluster.failure());
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        if (ended.index() == 1) co_return fail("a role cannot go on", std::get<1>(ended));
        co_return 0;
    }

    int fail(std::string_view what, error const& why) {
        out_.error(what, {{"error", to_string(why)}});
        return 1;
    }

    options const& chosen_;
    log out_;
    system_clock time_;
    time_point began_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    web_thread web_;
};

}  // namespace

int serve(options const& chosen) {
    std::signal(SIGPIPE, SIG_IGN);
    stderr_log sink(chosen.level, chosen.has_pretty_log);
    program running(chosen, log(sink));
    return running.run();
}

int reset_machine(options const& chosen) {
    stderr_log sink(log_level::warning, chosen.has_pretty_log);
    auto local = chosen.local;
    local.out = log(sink);
    asio::io_context context{1};
    result<void> done = error{errc::internal, "nothing was done"};
    asio::co_spawn(context, reset(context.get_executor(), std::move(local)),
                   [&](std::exception_ptr thrown, result<void> returned) {
                       if (thrown) std::rethrow_exception(thrown);
                       done = std::move(returned);
                   });
    context.run();
    if (done) {
        fmt::print("nothing of {} is left on this machine\n", chosen.local.state_dir.string());
        return 0;
    }
    fmt::print(stderr, "rik reset: {}\n", to_string(done.error()));
    return 1;
}

}  // namespace rik::app
