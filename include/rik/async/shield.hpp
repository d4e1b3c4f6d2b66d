// Runs work on another executor, or out of the reach of cancellation.
#pragma once

#include <rik/async/awaitable.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace rik {

namespace detail {

template <class T>
struct completion_of {
    using signature = void(std::exception_ptr, T);
};
template <>
struct completion_of<void> {
    using signature = void(std::exception_ptr);
};

/// The cancellation of work on another executor. Only that executor touches it.
struct remote_work {
    asio::cancellation_signal stop;
    bool ended = false;
};

/// co_spawn alone cannot do this: it carries a cancellation to the other thread as an address, which is gone when the
/// work ends at that moment.
struct start_remote_work {
    template <class Handler, class T>
    void operator()(Handler&& handler, asio::any_io_executor executor, awaitable<T> work) const {
        auto const remote = std::make_shared<remote_work>();
        auto const slot = asio::get_associated_cancellation_slot(handler);
        if (slot.is_connected()) {
            asio::cancellation_slot(slot).assign([remote, executor](asio::cancellation_type type) {
                asio::post(executor, [remote, type] {
                    if (!remote->ended) remote->stop.emit(type);
                });
            });
        }
        auto home = asio::make_work_guard(handler, executor);
        auto finish = [remote, home = std::move(home),
                       handler = std::forward<Handler>(handler)](auto... results) mutable {
            remote->ended = true;
            asio::dispatch(home.get_executor(),
                           [handler = std::move(handler), ... results = std::move(results)]() mutable {
                               std::move(handler)(std::move(results)...);
                           });
        };
        asio::co_spawn(executor, std::move(work), asio::bind_cancellation_slot(remote->stop.slot(), std::move(finish)));
    }
};

}  // namespace detail

/// Runs `work` on `executor`, which must run one thing at a time, and returns its result on the caller's executor.
/// Calls from other threads enter a role by this function only. Cancel: `work` is cancelled and awaited.
template <class T>
awaitable<T> on_strand(asio::any_io_executor executor, awaitable<T> work) {
    return asio::async_initiate<asio::use_awaitable_t<> const, typename detail::completion_of<T>::signature>(
        detail::start_remote_work{}, asio::use_awaitable, std::move(executor), std::move(work));
}

/// Runs `work` to its end even if the caller is cancelled meanwhile; the caller still waits for it. If the caller was
/// cancelled before it awaits this, `work` never starts, and the await throws.
template <class T>
awaitable<T> shield(awaitable<T> work) {
    auto const executor = co_await asio::this_coro::executor;
    auto unconnected = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
    auto running = asio::co_spawn(executor, std::move(work), unconnected);
    co_return co_await std::move(running);
}

namespace detail {

template <class Function>
awaitable<std::invoke_result_t<Function>> invoke_here(Function function) {
    co_return function();
}

}  // namespace detail

/// Calls the blocking `function` on `pool` and returns its result on the caller's executor. A cancelled caller waits
/// until the function has returned, so what the function refers to must live until then.
template <class Function>
awaitable<std::invoke_result_t<Function>> offload(asio::any_io_executor pool, Function function) {
    return shield(on_strand(std::move(pool), detail::invoke_here(std::move(function))));
}

}  // namespace rik
