#include <rik/async/shield.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
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

namespace rik {

namespace {

/// The cancellation of work on another executor. Only that executor touches it.
struct remote_work {
    asio::cancellation_signal stop;
    bool ended = false;
};

/// co_spawn alone cannot do this: it carries a cancellation to the other thread as an address, which is gone when the
/// work ends at that moment.
struct start_remote_work {
    template <class Handler>
    void operator()(Handler&& handler, asio::any_io_executor executor, awaitable<> work) const {
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
                       handler = std::forward<Handler>(handler)](std::exception_ptr failure) mutable {
            remote->ended = true;
            asio::dispatch(home.get_executor(), [handler = std::move(handler), failure = std::move(failure)]() mutable {
                std::move(handler)(std::move(failure));
            });
        };
        asio::co_spawn(executor, std::move(work), asio::bind_cancellation_slot(remote->stop.slot(), std::move(finish)));
    }
};

}  // namespace

awaitable<> on_strand(asio::any_io_executor executor, awaitable<> work) {
    return asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr)>(
        start_remote_work{}, asio::use_awaitable, std::move(executor), std::move(work));
}

awaitable<> shield(awaitable<> work) {
    auto const executor = co_await asio::this_coro::executor;
    auto unconnected = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
    auto running = asio::co_spawn(executor, std::move(work), unconnected);
    co_await std::move(running);
}

/// As shield(on_strand(...)), without a coroutine on this side: there is nothing to cancel.
awaitable<> detail::run_blocking(asio::any_io_executor pool, awaitable<> work) {
    auto unconnected = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
    return asio::async_initiate<decltype(unconnected), void(std::exception_ptr)>(start_remote_work{}, unconnected,
                                                                                 std::move(pool), std::move(work));
}

}  // namespace rik
