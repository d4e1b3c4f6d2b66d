#include "probe_stream_detail.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace rik::detail {

namespace {

namespace system_errc = boost::system::errc;

constexpr auto token = asio::as_tuple(asio::use_awaitable);

class plain_stream final : public probe_stream {
public:
    explicit plain_stream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    awaitable<result<void>> write(std::string_view text) override {
        auto const bytes = asio::buffer(text);
        auto const [failure, count] = co_await asio::async_write(socket_, bytes, token);
        if (failure) co_return network_problem(failure);
        co_return result<void>();
    }
    awaitable<result<std::size_t>> read(std::span<char> into) override {
        auto const bytes = asio::buffer(into.data(), into.size());
        auto const [failure, count] = co_await socket_.async_read_some(bytes, token);
        if (failure == asio::error::eof) co_return std::size_t{0};
        if (failure) co_return network_problem(failure);
        co_return count;
    }

private:
    asio::ip::tcp::socket socket_;
};

}  // namespace

error network_problem(boost::system::error_code code) {
    if (code == asio::error::operation_aborted) throw cancelled{};
    if (code == asio::error::connection_refused) return {errc::unavailable, "the connection was refused"};
    if (code == asio::error::connection_reset || code == asio::error::broken_pipe)
        return {errc::unavailable, "the connection was closed by the other end"};
    if (code == asio::error::timed_out) return {errc::unavailable, "there is no connection: nothing answers"};
    if (code == asio::error::host_unreachable || code == asio::error::network_unreachable)
        return {errc::unavailable, "there is no way to that address"};
    if (code == system_errc::too_many_files_open || code == system_errc::too_many_files_open_in_system ||
        code == system_errc::no_buffer_space || code == system_errc::not_enough_memory ||
        code == system_errc::address_not_available)
        return {errc::exhausted, fmt::format("a connection could not be made: {}", code.message())};
    return {errc::unavailable, fmt::format("the connection failed: {}", code.message())};
}

awaitable<result<std::unique_ptr<probe_stream>>> open_probe_stream(asio::ip::tcp::endpoint to) {
    asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
    boost::system::error_code refused;
    socket.open(to.protocol(), refused);
    if (refused) co_return network_problem(refused);
    auto const [failure] = co_await socket.async_connect(to, token);
    if (failure) co_return network_problem(failure);
    co_return std::make_unique<plain_stream>(std::move(socket));
}

}  // namespace rik::detail
