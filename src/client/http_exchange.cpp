#include "client/http_exchange.hpp"

#include "client/replies.hpp"

#include <rik/async/clock.hpp>

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using any_endpoint = asio::generic::stream_protocol::endpoint;

namespace {

constexpr auto start_remedy = "is rik running? start it with: rik --role=all";

error cannot_reach(server_address const& to, std::string_view why, std::string remedy = start_remedy) {
    return error{
        errc::unavailable, fmt::format("cannot reach rik at {}: {}", to_string(to), why), {}, std::move(remedy)};
}

error connect_problem(server_address const& to, error_code code) {
    if (code == asio::error::access_denied)
        return cannot_reach(to, "permission denied", "join the group of the socket, or be root");
    if (code == boost::system::errc::no_such_file_or_directory) return cannot_reach(to, "no such file");
    if (code == asio::error::connection_refused)
        return cannot_reach(to, to.is_unix() ? "nobody listens on this socket" : "connection refused");
    return cannot_reach(to, code.message());
}

error broken(server_address const& at, error_code code) {
    if (code == http::error::end_of_stream || code == http::error::partial_message || code == asio::error::eof ||
        code == asio::error::connection_reset || code == asio::error::broken_pipe)
        return error{errc::unavailable, "the server closed the connection"};
    if (code.category() == asio::error::get_system_category()) return error{errc::unavailable, code.message()};
    return not_rik(at, fmt::format("it does not speak HTTP: {}", code.message()));
}

http::request<http::string_body> message_of(server_address const& to, exchange_request const& from) {
    http::request<http::string_body> message;
    message.version(11);
    message.method_string(from.method);
    message.target(from.target);
    // The server checks Host; on a socket there is no name to give but this one.
    message.set(http::field::host,
                to.is_unix() ? "localhost" : to_string(to).substr(std::string_view("http://").size()));
    message.set(http::field::user_agent, "rikctl");
    message.set(http::field::accept, from.accept);
    message.set(http::field::connection, "close");
    if (!from.content_type.empty()) message.set(http::field::content_type, from.content_type);
    if (!from.last_event_id.empty()) message.set("Last-Event-ID", from.last_event_id);
    message.body() = from.body;
    if (!from.body.empty() || from.method == "POST") message.prepare_payload();
    return message;
}

}  // namespace

/// Beast has no time-outs for blocking calls, so every step is started as an operation and run until it ends or the
/// deadline is there. A read that did not end stays under way and is picked up by the next call.
struct http_exchange::connection {
    server_address at;
    asio::io_context io{1};
    asio::generic::stream_protocol::socket socket{io};
    boost::beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    std::array<char, 16384> part{};
    std::optional<error_code> read_end;
    bool is_reading = false;

    bool run_until(std::optional<error_code> const& end, time_point deadline) {
        while (!end) {
            if (io.stopped()) io.restart();
            if (io.run_one_until(deadline) == 0 && !end) return false;
        }
        return true;
    }

    /// The end of an operation that `start` starts with a handler; nothing if the deadline passed first, and then the
    /// operation is called off.
    template <class Start>
    std::optional<error_code> finish(Start start, time_point deadline) {
        std::optional<error_code> end;
        start([&end](error_code code, auto&&...) { end = code; });
        if (run_until(end, deadline)) return end;
        error_code ignored;
        socket.close(ignored);
        io.restart();
        while (!end && io.run_one() > 0) {
        }
        return std::nullopt;
    }

    result<std::vector<any_endpoint>> resolve(server_address const& to, time_point deadline);
    result<void> connect(server_address const& to, time_point deadline);
    result<void> send(server_address const& to, exchange_request const& request, time_point deadline);
    result<void> read_head(time_point deadline);
    bool speaks_otherwise() const;
    void start_reading();
};

result<std::vector<any_endpoint>> http_exchange::connection::resolve(server_address const& to, time_point deadline) {
    if (to.is_unix()) return std::vector<any_endpoint>{asio::local::stream_protocol::endpoint(to.path)};
    error_code code;
    if (auto const literal = asio::ip::make_address(to.host, code); !code)
        return std::vector<any_endpoint>{asio::ip::tcp::endpoint(literal, to.port)};
    asio::ip::tcp::resolver resolver(io);
    std::vector<any_endpoint> found;
    std::optional<error_code> end;
    resolver.async_resolve(to.host, std::to_string(to.port), [&](error_code problem, auto const& results) {
        end = problem;
        for (auto const& each : results) found.emplace_back(each.endpoint());
    });
    if (!run_until(end, deadline)) {
        resolver.cancel();
        io.restart();
        while (!end && io.run_one() > 0) {
        }
        return cannot_reach(to, "its name was not resolved in time", {});
    }
    if (*end) return cannot_reach(to, end->message(), "check the host's name");
    return found;
}

result<void> http_exchange::connection::connect(server_address const& to, time_point deadline) {
    at = to;
    auto const endpoints = resolve(to, deadline);
    if (!endpoints) return endpoints.error();
    auto problem = cannot_reach(to, "it has no address");
    for (auto const& endpoint : *endpoints) {
        error_code ignored;
        socket.close(ignored);
        auto const end = finish([&](auto handler) { socket.async_connect(endpoint, std::move(handler)); }, deadline);
        if (!end) return cannot_reach(to, "no answer in time");
        if (!*end) return {};
        problem = connect_problem(to, *end);
    }
    return problem;
}

result<void> http_exchange::connection::send(server_address const& to, exchange_request const& request,
                                             time_point deadline) {
    auto const message = message_of(to, request);
    auto const end = finish([&](auto handler) { http::async_write(socket, message, std::move(handler)); }, deadline);
    if (!end) return error{errc::timed_out, "the server did not take the request in time"};
    // A server that refuses a body closes before it has read all of it; its answer may still be there.
    if (*end && *end != asio::error::broken_pipe && *end != asio::error::connection_reset) return broken(at, *end);
    return {};
}

result<void> http_exchange::connection::read_head(time_point deadline) {
    parser.body_limit(boost::none);  // a followed log has no end; read_all has its own limit
    auto const end =
        finish([&](auto handler) { http::async_read_header(socket, buffer, parser, std::move(handler)); }, deadline);
    if (!end) return error{errc::timed_out, "the server did not answer in time"};
    if (*end && speaks_otherwise()) return not_rik(at, "it does not speak HTTP: it says something else");
    if (*end) return broken(at, *end);
    return {};
}

/// Of what has come, the parser has taken nothing: a few bytes of another protocol, an alert of TLS for one.
bool http_exchange::connection::speaks_otherwise() const {
    constexpr std::string_view begin = "HTTP/";
    auto const came = buffer.data();
    std::string_view const text(static_cast<char const*>(came.data()), came.size());
    return !text.empty() && text.substr(0, begin.size()) != begin.substr(0, text.size());
}

void http_exchange::connection::start_reading() {
    parser.get().body().data = part.data();
    parser.get().body().size = part.size();
    parser.get().body().more = true;
    read_end.reset();
    is_reading = true;
    http::async_read_some(socket, buffer, parser, [this](error_code code, std::size_t) { read_end = code; });
}

http_exchange::http_exchange(std::unique_ptr<connection> over) : over_(std::move(over)) {}

http_exchange::~http_exchange() = default;

result<std::unique_ptr<http_exchange>> http_exchange::open(server_address const& to, exchange_request const& request,
                                                           time_point connect_deadline, time_point reply_deadline) {
    auto over = std::make_unique<connection>();
    if (auto done = over->connect(to, connect_deadline); !done) return done.error();
    if (auto done = over->send(to, request, reply_deadline); !done) return done.error();
    if (auto done = over->read_head(reply_deadline); !done) return done.error();
    return std::unique_ptr<http_exchange>(new http_exchange(std::move(over)));
}

unsigned http_exchange::status() const { return over_->parser.get().result_int(); }

std::string http_exchange::header(std::string_view name) const {
    return std::string(over_->parser.get()[{name.data(), name.size()}]);
}

std::string http_exchange::content_type() const {
    auto const said = header("Content-Type");
    auto type = said.substr(0, said.find_first_of("; "));
    std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return type;
}

result<std::string> http_exchange::read(time_point deadline) {
    auto& c = *over_;
    while (c.is_reading || !c.parser.is_done()) {
        if (!c.is_reading) c.start_reading();
        if (!c.run_until(c.read_end, deadline)) return error{errc::timed_out, "the server sent nothing in time"};
        c.is_reading = false;
        if (*c.read_end && *c.read_end != http::error::need_buffer) return broken(c.at, *c.read_end);
        auto const count = c.part.size() - c.parser.get().body().size;
        if (count > 0) return std::string(c.part.data(), count);
    }
    return std::string();
}

result<std::string> http_exchange::read_all(time_point deadline, std::size_t bytes_max) {
    std::string all;
    for (;;) {
        auto part = read(deadline);
        if (!part || part->empty()) return part ? result<std::string>(std::move(all)) : part;
        all += *part;
        if (all.size() > bytes_max)
            return error{errc::exhausted, fmt::format("the answer is longer than {} bytes", bytes_max)};
    }
}

void wait_until(time_point when) {
    asio::io_context io{1};
    auto const guard = asio::make_work_guard(io);
    io.run_until(when);
}

}  // namespace rik::detail
