// A connection that is handed over to what its response says, and its end.
#include "connection.hpp"

#include <rik/async/unless.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t piece_bytes_max = 64u << 10;

}  // namespace

class connection::handed_over final : public upgraded_connection {
public:
    explicit handed_over(connection& from) : from_(from) {}

    awaitable<result<std::string>> read() override { return from_.read_upgraded(); }
    awaitable<result<void>> write(std::string bytes) override { return from_.write_upgraded(std::move(bytes)); }
    void end_writing() override {
        boost::system::error_code ignored;
        from_.socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    }
    void close() override {
        boost::system::error_code ignored;
        from_.socket_.close(ignored);
    }

private:
    connection& from_;
};

awaitable<> connection::switch_protocols(http_response response) {
    response.status_code = 101;
    response.content_type.clear();
    response.headers.push_back({"Connection", "Upgrade"});
    response.headers.push_back({"Upgrade", std::string(response.upgrade->protocol())});
    auto const head = head_text(response, reply_form(), date());
    if (!co_await send(head)) co_return;
    boost::system::error_code failed;
    socket_.non_blocking(true, failed);  // `read_upgraded` reads without Asio's waiting
    if (failed) co_return;
    stage_ = stage::upgraded;
    if (ending_) wind_down();  // it came while 101 was sent
    co_await unless(wait_until_abandoned(), run_upgrade(*response.upgrade));
    stage_ = stage::answering;
    co_await drain();
}

awaitable<bool> connection::run_upgrade(http_upgrade& what) {
    handed_over own(*this);
    co_await what.run(own);
    co_return true;
}

/// What the client has sent may still be read, so what runs gets time to come to its end.
awaitable<> connection::wait_until_abandoned() {
    co_await socket_.async_wait(asio::socket_base::wait_error, no_throw);  // closed wholly, or reset
    co_await context_.time.sleep_for(context_.options.limits.stop_grace);
}

awaitable<result<std::string>> connection::read_upgraded() {
    if (ending_ || !socket_.is_open()) co_return co_await why_ended();
    if (!buffer_.empty()) co_return std::exchange(buffer_, std::string());
    while (!has_read_all_) {
        // An idle connection needs no memory for what may come. The wait also lets others have their turn.
        auto const [failed] = co_await socket_.async_wait(asio::socket_base::wait_read, no_throw);
        if (failed || ending_) co_return co_await why_ended();
        boost::system::error_code failure;
        std::string bytes(std::clamp<std::size_t>(socket_.available(failure), 1, piece_bytes_max), '\0');
        bytes.resize(socket_.read_some(asio::buffer(bytes), failure));
        if (!failure) co_return bytes;
        has_read_all_ = failure == asio::error::eof;
        if (!has_read_all_ && failure != asio::error::would_block) co_return co_await why_ended();
    }
    if (peer_ == http_peer::tcp) probe_client(socket_, probing_half_closed);
    co_return std::string();
}

awaitable<result<void>> connection::write_upgraded(std::string bytes) {
    if (!socket_.is_open()) co_return co_await why_ended();
    unsent_note const noted(*this, bytes.size());
    auto const [failure, count] = co_await asio::async_write(socket_, asio::buffer(bytes), no_throw);
    if (failure) co_return co_await why_ended();
    co_return result<void>();
}

/// Throws if it was the waiting that was cancelled.
awaitable<error> connection::why_ended() {
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw cancelled{};
    if (!socket_.is_open()) co_return error{errc::unavailable, "the connection is closed"};
    if (ending_) co_return error{errc::unavailable, "the server stops"};
    co_return error{errc::unavailable, "the client has gone"};
}

}  // namespace rik::detail
