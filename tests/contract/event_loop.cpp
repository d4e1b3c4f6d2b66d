#include "contract/event_loop.hpp"

#include "support/run.hpp"

#include <rik/async/unless.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>

namespace rik::testing {

awaitable<> together(awaitable<> one, awaitable<> other) {
    auto const executor = co_await asio::this_coro::executor;
    auto both = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(one), asio::deferred),
                                                        asio::co_spawn(executor, std::move(other), asio::deferred));
    auto ended = co_await both.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
    auto& [order, of_one, of_other] = ended;
    if (of_one && !is_cancellation(of_one)) std::rethrow_exception(of_one);
    if (of_other) std::rethrow_exception(of_other);
    if (of_one) std::rethrow_exception(of_one);
}

namespace {

awaitable<bool> say_when_done(awaitable<> work) {
    co_await std::move(work);
    co_return true;
}

}  // namespace

void event_loop::run(awaitable<> work) { run_to_end(run_in_time(std::move(work))); }

awaitable<> event_loop::run_in_time(awaitable<> work) {
    auto const done = co_await unless(time().sleep_for(std::chrono::minutes(1)), say_when_done(std::move(work)));
    if (!done) throw std::runtime_error("what was waited for has not come");
}

void real_loop::run_to_end(awaitable<> work) { testing::run(context_, std::move(work)); }

}  // namespace rik::testing
