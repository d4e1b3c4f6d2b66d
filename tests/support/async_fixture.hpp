// What the tests of the coroutine tools share: tasks that write down what happened to them.
#pragma once

#include "support/catch.hpp"
#include "support/run.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>

#include <boost/asio/post.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

using namespace std::chrono_literals;

inline constexpr duration long_time = 10s;  // no test waits for it

/// What happened, in order.
using diary = std::vector<std::string>;

inline awaitable<> yield() {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

inline awaitable<> sleep_and_write(clock& time, duration length, diary& seen, std::string what) {
    try {
        co_await time.sleep_for(length);
    } catch (cancelled const&) {
        seen.push_back(what + " cancelled");
        throw;
    }
    seen.push_back(std::move(what));
}

inline awaitable<> fail_after(clock& time, duration length) {
    co_await time.sleep_for(length);
    throw std::runtime_error("broken");
}

inline awaitable<> stop_after(clock& time, duration length, task_group& tasks) {
    co_await time.sleep_for(length);
    co_await tasks.stop();
}

inline awaitable<> shield_and_write(awaitable<> work, diary& seen) {
    co_await shield(std::move(work));
    seen.push_back("after the shield");
    co_await yield();
    seen.push_back("never written by a cancelled caller");
}

struct async_fixture {
    asio::io_context context;
    system_clock time;
    diary seen;
    task_group tasks{context.get_executor()};
};

}  // namespace rik::testing
