// A reply that is sent piece by piece, while the client is watched.
#include "connection.hpp"

#include <rik/async/notifier.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace rik::detail {

namespace {

constexpr std::size_t pipelined_bytes_max = 16u << 10;

}  // namespace

void probe_client(stream_socket& socket, probing how) {
    boost::system::error_code ignored;
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    auto const set = [&](int option, int value) {
        (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
    };
    set(TCP_KEEPIDLE, how.idle_seconds);
    set(TCP_KEEPINTVL, how.interval_seconds);
    set(TCP_KEEPCNT, how.count);
}

awaitable<bool> connection::send_stream(body_source& source, bool is_chunked) {
    using namespace asio::experimental::awaitable_operators;
    stage_ = stage::streaming;
    if (ending_) co_return false;
    if (buffer_.empty()) std::string().swap(buffer_);  // an idle watcher costs little
    auto const ended = co_await (send_pieces(source, is_chunked) || watch_client() || run_source(source));
    stage_ = stage::answering;
    if (ending_ || ended.index() != 0) co_return false;
    co_return std::get<0>(ended);
}

/// True: the whole body was sent. An exception must not leave the branches of `||`: it would wait for the others.
awaitable<bool> connection::send_pieces(body_source& source, bool is_chunked) {
    std::exception_ptr thrown;
    try {
        for (;;) {
            auto piece = co_await source.next();
            if (!piece) co_return false;
            if (piece->empty()) break;
            auto const bytes = is_chunked ? chunk_text(*piece) : std::move(*piece);
            *piece = std::string();  // a client that reads slowly holds one copy
            if (!co_await send(bytes)) co_return false;
        }
        if (is_chunked) co_return co_await send(last_chunk);
        co_return true;
    } catch (...) {
        thrown = std::current_exception();
    }
    if (is_cancellation(thrown)) throw cancelled{};
    log_exception("a stream", thrown);
    co_return false;
}

/// Returns when the client has gone, or the connection is being ended. A client that sends no more (`nc -N`) still
/// reads.
awaitable<bool> connection::watch_client() {
    while (!has_read_all_) {
        auto const [failure] = co_await socket_.async_wait(asio::socket_base::wait_read, no_throw);
        if (failure) co_return false;
        if (!co_await read_more() && !has_read_all_) co_return false;
        if (buffer_.size() >= pipelined_bytes_max) co_return false;  // it sends and does not wait for its reply
    }
    if (peer_ == http_peer::tcp) probe_client(socket_, probing_half_closed);
    co_await socket_.async_wait(asio::socket_base::wait_error, no_throw);  // closed wholly, or reset
    co_return false;
}

awaitable<bool> connection::run_source(body_source& source) {
    std::exception_ptr thrown;
    try {
        co_await source.run();
        // Nothing more to do beside the stream, which ends by the other branches.
        notifier never(socket_.get_executor());
        co_await never.wait();
    } catch (...) {
        thrown = std::current_exception();
    }
    if (is_cancellation(thrown)) throw cancelled{};
    if (thrown) log_exception("a stream", thrown);
    co_return false;
}

}  // namespace rik::detail
