#include "serve.hpp"

#include "logging.hpp"
#include "open_files.hpp"
#include "process_metrics.hpp"
#include "resident_memory.hpp"
#include "role_process.hpp"

#include <rik/api/api.hpp>
#include <rik/api/health.hpp>
#include <rik/http/server.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <thread>
#include <variant>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/// Stands for a handler that is made later: no request comes before the server is started.
class late_handler final : public http_handler {
public:
    void set(http_handler& to) { to_ = &to; }
    awaitable<http_response> handle(http_request request) override { return to_->handle(std::move(request)); }
    http_response refusal(unsigned status_code, std::string_view message, std::string_view target) override {
        return to_->refusal(status_code, message, target);
    }

private:
    http_handler* to_ = nullptr;
};

/// What was made of a path, and goes again, if it is empty, unless it is kept.
class new_directories {
public:
    new_directories() = default;
    new_directories(new_directories const&) = delete;
    ~new_directories() {
        for (auto each = made_.rbegin(); each != made_.rend(); ++each) ::rmdir(each->c_str());
    }
    result<void> make(std::filesystem::path const& path) {
        std::error_code failure;
        if (path.empty() || std::filesystem::is_directory(path, failure)) return {};
        if (auto const above = make(path.parent_path()); !above) return above;
        if (std::filesystem::create_directory(path, failure)) made_.push_back(path);
        // Whatever the umask: users of the socket's group go through it.
        if (!failure) std::filesystem::permissions(path, std::filesystem::perms(0755), failure);
        if (failure) return error{errc::denied, fmt::format("{}: {}", path.string(), failure.message())};
        return {};
    }
    void keep() { made_.clear(); }

private:
    std::vector<std::filesystem::path> made_;
};

class program {
public:
    program(options const& chosen, std::size_t open_files_max, log out)
        : chosen_(chosen), open_files_max_(open_files_max), out_(out), began_(time_.now()), signals_(context_) {}

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
        // Before anything of the machine is changed: a wrong address must not cost more than a line.
        new_directories for_socket;
        if (auto const made = for_socket.make(std::filesystem::path(chosen_.socket).parent_path()); !made)
            co_return fail("rik cannot listen", made.error());
        late_handler handler;
        auto server = http_server::open(web_.executor(), time_, handler, addresses(), out_);
        if (!server) co_return fail("rik cannot listen", server.error());
        auto opened = co_await open_roles(context_.get_executor(), chosen_, out_);
        if (!opened) co_return fail("rik cannot start", opened.error());
        for_socket.keep();
        auto& roles = **opened;
        local_admin everybody;
        std::optional<api> answers;
        if (auto* const primary = roles.api()) answers.emplace(*primary, everybody, time_, chosen_.local.version, out_);
        process_health_of health(roles, time_);
        health_api front(health, answers ? &*answers : nullptr);
        handler.set(front);
        auto const code = co_await serve_api(roles, **server);
        co_await roles.stop();
        out_.info(chosen_.runs_instances() ? "rik has stopped; instances run on" : "rik has stopped");
        co_return code;
    }

    http_options addresses() const {
        http_options listening;
        limit_connections(listening.limits);
        if (!chosen_.socket.empty()) listening.local = unix_address{.path = chosen_.socket, .group = "rik"};
        for (auto const& each : chosen_.listen) listening.tcp.push_back(parse_tcp_address(each).value());
        listening.host_names = chosen_.host_names;
        std::array<char, HOST_NAME_MAX + 1> own{};
        if (::gethostname(own.data(), own.size() - 1) == 0) listening.host_names.emplace_back(own.data());
        return listening;
    }

    /// Clients must not take the open files that Pods need.
    void limit_connections(http_limits& into) const {
        auto const kinds = std::size_t{!chosen_.socket.empty()} + std::size_t{!chosen_.listen.empty()};
        into.connections_max = connections_for(open_files_max_, kinds);
        into.streams_max = into.connections_max / 10 * 9;
        if (open_files_max_ >= open_files_wanted(kinds)) return;
        out_.warning("the limit of open files is low: fewer clients are served, and many Pods may not start",
                     {{"open_files", fmt::format("{}", open_files_max_)},
                      {"wanted", fmt::format("{}", open_files_wanted(kinds))},
                      {"clients", fmt::format("{}", into.connections_max)},
                      {"remedy", "raise its hard limit (LimitNOFILE of a service, ulimit -Hn)"}});
    }

    awaitable<int> serve_api(role_process& roles, http_server& server) {
        // Not before: a start that hangs must be ended by a signal, as by kill -9.
        signals_.add(SIGINT);
        signals_.add(SIGTERM);
        co_await server.start();
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(time_.now() - began_).count();
        out_.info("rik is ready",
                  {{"role", chosen_.role_text()}, {"socket", chosen_.socket}, {"took_ms", fmt::format("{}", took)}});
        for (auto const& each : server.tcp_addresses()) say_where(each);
        auto const code = co_await wait_for_end(roles);
        co_await server.stop();
        co_return code;
    }

    void say_where(tcp_address const& address) {
        auto const is_v6 = address.host.find(':') != std::string::npos;
        auto const text = fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address.host, is_v6 ? "]" : "", address.port);
        auto const is_local = address.host.starts_with("127.") || address.host == "::1" || address.host == "localhost";
        if (is_local) return out_.info("listening", {{"address", text}});
        out_.warning("listening, and whoever reaches this address is administrator, Pods of this machine too",
                     {{"address", text}});
    }

    /// For ever. The first time soon: most of what is resident by then is the start's. A process that works would take
    /// back at once what it gives.
    awaitable<> stay_small() {
        using namespace std::chrono_literals;
        co_await time_.sleep_for(1s);
        for (;;) {
            give_back_memory();
            while (co_await is_working()) {
            }
        }
    }

    /// Whether the process needs more than a fiftieth of a processor, for a few seconds.
    awaitable<bool> is_working() {
        using namespace std::chrono_literals;
        constexpr auto pause = 5s;
        auto const before = std::clock();
        co_await time_.sleep_for(pause);
        auto const used = std::clock() - before;
        co_return used > pause.count() * CLOCKS_PER_SEC / 50;
    }

    /// Until a signal, or until a role cannot go on. A second signal ends the process at once.
    awaitable<int> wait_for_end(role_process& roles) {
        using namespace asio::experimental::awaitable_operators;
        auto ended = co_await (signals_.async_wait(asio::use_awaitable) || roles.failure() || stay_small());
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
    std::size_t open_files_max_;
    log out_;
    system_clock time_;
    time_point began_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    web_thread web_;
};

/// What a rik that was killed has left: a socket that nobody answers on.
void remove_dead_socket(std::string const& path) {
    struct ::stat about {};
    if (path.empty() || ::lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return;
    asio::io_context context;
    asio::local::stream_protocol::socket probe(context);
    boost::system::error_code refused;
    probe.connect(asio::local::stream_protocol::endpoint(path), refused);
    if (refused == asio::error::connection_refused) ::unlink(path.c_str());
}

}  // namespace

int serve(options const& chosen) {
    auto const open_files_max = raise_open_files_limit();
    // conmon, and the containers of one that was killed, become our children, and librik reaps those it knows.
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    std::signal(SIGPIPE, SIG_IGN);
    begin_small();
    ::setenv("GRPC_VERBOSITY", "NONE", 0);  // what it says is in our own errors, in our log's form
    stderr_log sink(chosen.level, chosen.has_pretty_log);
    program running(chosen, open_files_max, log(sink));
    return running.run();
}

namespace {

/// Says what it did. The exit code.
int reset_one(local_options local, std::string const& socket) {
    std::error_code ignored;  // whatever it is, reset says it
    auto const was_there = std::filesystem::exists(local.state_dir, ignored);
    auto const name = local.state_dir.string();
    asio::io_context context{1};
    result<void> done = error{errc::internal, "nothing was done"};
    asio::co_spawn(context, reset(context.get_executor(), std::move(local)),
                   [&](std::exception_ptr thrown, result<void> returned) {
                       if (thrown) std::rethrow_exception(thrown);
                       done = std::move(returned);
                   });
    context.run();
    if (!done) {
        fmt::print(stderr, "rik reset: {}\n", to_string(done.error()));
        return 1;
    }
    remove_dead_socket(socket);
    if (std::filesystem::exists(name, ignored)) {
        fmt::print("what rik has made is removed; {} stays, with what is not rik's\n", name);
        return 0;
    }
    fmt::print("{}nothing of {} is left on this machine\n", was_there ? "" : "there was no such state directory; ",
               name);
    return 0;
}

int reset_all(options const& chosen, local_options const& common) {
    auto const remains = find_remains();
    int code = 0;
    for (auto const& each : remains.state_dirs) {
        auto local = common;
        local.state_dir = each;
        local.run_dir.clear();
        code = std::max(code, reset_one(std::move(local), chosen.socket));
    }
    for (auto const& tag : remains.unknown_tags) {
        fmt::print(stderr,
                   "rik reset: rk{}: this bridge is of a rik whose state directory is not known; give it: "
                   "rik reset --state-dir DIRECTORY\n",
                   tag);
        code = 1;
    }
    if (remains.state_dirs.empty() && code == 0) fmt::print("no rik has left anything on this machine\n");
    return code;
}

}  // namespace

int reset_machine(options const& chosen) {
    stderr_log sink(log_level::warning, chosen.has_pretty_log);
    auto local = chosen.local;
    local.out = log(sink);
    return chosen.all ? reset_all(chosen, local) : reset_one(std::move(local), chosen.socket);
}

}  // namespace rik::app
