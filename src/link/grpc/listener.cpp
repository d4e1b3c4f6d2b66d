#include "listener_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fcntl.h>

namespace rik::detail {

namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr int waiting_connections_max = 1024;

std::string without_brackets(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return std::string(host);
}

result<tcp::resolver::results_type> resolve(asio::any_io_executor executor, std::string const& address) {
    auto const colon = address.rfind(':');
    error_code failure = asio::error::host_not_found;
    if (colon == std::string::npos) return error{errc::invalid, fmt::format("'{}' is not HOST:PORT", address)};
    tcp::resolver resolver(std::move(executor));
    auto found = resolver.resolve(without_brackets(std::string_view(address).substr(0, colon)),
                                  address.substr(colon + 1), tcp::resolver::passive, failure);
    if (failure)
        return error{errc::unavailable, fmt::format("nothing can listen at {}: {}", address, failure.message())};
    return found;
}

}  // namespace

result<void> link_listener::open(std::string const& address) {
    auto const found = resolve(strand_, address);
    if (!found) return found.error();
    error_code failure;
    for (auto const& each : *found)
        if (auto const wrong = listen_at(each.endpoint())) failure = wrong;
    if (!acceptors_.empty()) return {};
    return error{errc::unavailable,
                 fmt::format("nothing can listen at {}: {}", address, failure.message()),
                 {},
                 "use an address of this machine that no other program has"};
}

/// A name of several addresses has the same port on all of them.
error_code link_listener::listen_at(tcp::endpoint where) {
    error_code failure;
    acceptor made(strand_);
    if (where.port() == 0) where.port(port_);
    made.open(where.protocol(), failure);
    if (!failure) made.set_option(acceptor::reuse_address(true), failure);
    if (!failure && where.protocol() == tcp::v6())
        made.set_option(asio::ip::v6_only(!where.address().is_unspecified()), failure);
    if (!failure) made.bind(where, failure);
    if (!failure) made.listen(waiting_connections_max, failure);
    if (failure) return failure;
    ::fcntl(made.native_handle(), F_SETFD, FD_CLOEXEC);
    port_ = made.local_endpoint(failure).port();
    acceptors_.push_back(std::move(made));
    return failure;
}

void link_listener::start(taker take) {
    take_ = std::move(take);
    for (auto& each : acceptors_) tasks_.spawn(accept(each));
}

awaitable<> link_listener::accept(acceptor& from) {
    bool is_failing = false;
    for (;;) {
        auto [failure, socket] = co_await from.async_accept(no_throw);
        if (failure == asio::error::operation_aborted) throw cancelled{};
        if (failure && failure != asio::error::connection_aborted) {
            if (!std::exchange(is_failing, true))
                to_.warning("cannot accept links; tried again until it works", {{"why", failure.message()}});
            co_await time_.sleep_for(limits::accept_pause);  // out of descriptors, most likely
        }
        if (failure) continue;
        if (std::exchange(is_failing, false)) to_.info("links are accepted again");
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        socket.native_non_blocking(true, ignored);
        ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
        auto const connection = socket.release(ignored);
        if (!ignored) take_(connection, from.native_handle());
    }
}

awaitable<> link_listener::stop() {
    error_code ignored;
    for (auto& each : acceptors_) each.close(ignored);
    co_await tasks_.stop();
}

}  // namespace rik::detail
