#include <rik/async/unless.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>

namespace rik::detail {

awaitable<> run_unless(awaitable<> event, awaitable<> work) {
    auto const executor = co_await asio::this_coro::executor;
    auto race = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                        asio::co_spawn(executor, std::move(event), asio::deferred));
    // Not `work || event`: that waits for a success, so it would hide an exception of `work` until the event.
    auto ended = co_await race.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    auto& [order, failure, not_happened] = ended;
    if (!failure) co_return;
    if (!is_cancellation(failure)) std::rethrow_exception(failure);
    if (not_happened && !is_cancellation(not_happened)) std::rethrow_exception(not_happened);
    if (not_happened) throw cancelled{};
}

}  // namespace rik::detail
