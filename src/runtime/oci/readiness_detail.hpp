// Several descriptors as one thing to wait for.
#pragma once

#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

namespace rik::detail {

/// Completes when `what` is readable: a pidfd is when its process has ended. Errors: exhausted; internal.
awaitable<result<void>> await_readable(asio::any_io_executor executor, unique_fd what);

/// An epoll set, whose own descriptor is readable while one of its members is. Members must stay open meanwhile.
class readiness {
public:
    explicit readiness(asio::any_io_executor executor) : set_(std::move(executor)) {}

    /// An empty `member` is left out. Errors: exhausted; internal.
    result<void> add(unique_fd const& member);
    /// Completes when a member is readable. Precondition: `add` succeeded.
    awaitable<> wait();

private:
    asio::posix::stream_descriptor set_;
};

}  // namespace rik::detail
