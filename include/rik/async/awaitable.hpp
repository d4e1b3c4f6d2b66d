// The one asynchronous type of RIK, and what cancellation looks like.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace rik {

namespace asio = boost::asio;

template <class T = void>
using awaitable = asio::awaitable<T>;

/// Thrown through every frame of a cancelled coroutine; only task_group catches it. Never an errc.
class cancelled final : public std::exception {
public:
    char const* what() const noexcept override { return "cancelled"; }
};

/// True for `cancelled` and for the two shapes in which Asio delivers the same thing.
bool is_cancellation(std::exception_ptr const& thrown);

}  // namespace rik
