#include "readiness_detail.hpp"

#include "files_detail.hpp"

#include <boost/asio/as_tuple.hpp>

#include <cerrno>

#include <sys/epoll.h>

namespace rik::detail {

result<void> readiness::add(unique_fd const& member) {
    if (!set_.is_open()) {
        unique_fd made(::epoll_create1(EPOLL_CLOEXEC));
        if (!made) return system_error("epoll", "create", errno);
        boost::system::error_code failure;
        set_.assign(made.get(), failure);
        if (failure) return system_error("epoll", "assign", failure.value());
        made.release();
    }
    if (!member) return {};
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, member.get(), &event) != 0) {
        return system_error("epoll", "add", errno);
    }
    return {};
}

awaitable<result<void>> await_readable(asio::any_io_executor executor, unique_fd what) {
    asio::posix::stream_descriptor stream(executor);
    boost::system::error_code refused;
    stream.assign(what.get(), refused);
    if (refused) co_return system_error("epoll", "assign", refused.value());
    what.release();
    auto const wanted = asio::posix::stream_descriptor::wait_read;
    auto const [failure] = co_await stream.async_wait(wanted, asio::as_tuple(asio::use_awaitable));
    if (failure == asio::error::operation_aborted) throw cancelled{};
    co_return result<void>{};
}

awaitable<> readiness::wait() {
    auto const wanted = asio::posix::stream_descriptor::wait_read;
    auto const [failure] = co_await set_.async_wait(wanted, asio::as_tuple(asio::use_awaitable));
    if (failure == asio::error::operation_aborted) throw cancelled{};
}

}  // namespace rik::detail
