// The coroutine tools: every one of them ended normally, cancelled, and failed.
#include "support/catch.hpp"
#include "support/run.hpp"

#include <rik/async/channel.hpp>
#include <rik/async/clock.hpp>
#include <rik/async/deadline.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace rik {
namespace {

using namespace std::chrono_literals;
using rik::testing::run;

constexpr duration long_time = 10s;  // no test waits for it

/// What happened, in order.
using diary = std::vector<std::string>;

awaitable<> yield() {
    auto const executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

awaitable<> do_nothing() { co_return; }

awaitable<> write(diary& seen, std::string what) {
    co_await yield();
    seen.push_back(std::move(what));
}

awaitable<> sleep_and_write(clock& time, duration length, diary& seen, std::string what) {
    try {
        co_await time.sleep_for(length);
    } catch (cancelled const&) {
        seen.push_back(what + " cancelled");
        throw;
    }
    seen.push_back(std::move(what));
}

awaitable<> fail_after(clock& time, duration length) {
    co_await time.sleep_for(length);
    throw std::runtime_error("broken");
}

awaitable<result<int>> answer_after(clock& time, duration length, int value) {
    co_await time.sleep_for(length);
    co_return value;
}

awaitable<result<int>> fail_to_answer() {
    co_await yield();
    throw std::runtime_error("broken");
}

awaitable<> stop_after(clock& time, duration length, task_group& tasks) {
    co_await time.sleep_for(length);
    co_await tasks.stop();
}

awaitable<> shield_and_write(awaitable<> work, diary& seen) {
    co_await shield(std::move(work));
    seen.push_back("after the shield");
    co_await yield();
    seen.push_back("never written by a cancelled caller");
}

awaitable<> wait_and_write(notifier& changed, diary& seen) {
    co_await changed.wait();
    seen.push_back("woken");
}

awaitable<> send_and_write(channel<int>& numbers, int number, diary& seen) {
    auto const sent = co_await numbers.send(number);
    seen.push_back(sent ? "sent" : "refused");
}

/// Sends 0, 1, ... `count - 1`.
awaitable<> send_many(channel<int>& numbers, int count) {
    for (int number = 0; number < count; ++number) {
        auto const sent = co_await numbers.send(number);
        CHECK(sent);
    }
}

awaitable<> receive_one(channel<int>& numbers, std::vector<int>& received) {
    auto const number = co_await numbers.receive();
    if (number) received.push_back(*number);
}

awaitable<> receive_all(channel<int>& numbers, std::vector<int>& received) {
    for (;;) {
        auto const number = co_await numbers.receive();
        if (!number) co_return;
        received.push_back(*number);
    }
}

awaitable<std::thread::id> thread_here() {
    co_await yield();
    co_return std::this_thread::get_id();
}

struct fixture {
    asio::io_context context;
    system_clock time;
    diary seen;
    task_group tasks{context.get_executor()};
};

}  // namespace

TEST_CASE_METHOD(fixture, "a group waits for all its tasks", "[async]") {
    tasks.spawn(sleep_and_write(time, 2ms, seen, "a"));
    tasks.spawn(write(seen, "b"));
    CHECK(tasks.size() == 2);
    run(context, tasks.join());
    CHECK(tasks.empty());
    CHECK(seen == diary{"b", "a"});
}

TEST_CASE_METHOD(fixture, "joining and stopping an empty group returns at once", "[async]") {
    run(context, tasks.join());
    run(context, tasks.stop());
    CHECK(tasks.empty());
}

TEST_CASE_METHOD(fixture, "stop cancels the tasks and waits for their end", "[async]") {
    tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    tasks.spawn(sleep_and_write(time, long_time, seen, "b"));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(tasks.empty());
    CHECK(seen == diary{"a cancelled", "b cancelled"});
}

TEST_CASE_METHOD(fixture, "a task may end before a cancellation from outside arrives", "[async]") {
    tasks.spawn(do_nothing());
    tasks.cancel();
    run(context, tasks.join());
    CHECK(tasks.empty());
}

namespace {

awaitable<> spawn_when_cancelled(clock& time, task_group& tasks, diary& seen) {
    try {
        co_await time.sleep_for(long_time);
    } catch (cancelled const&) {
        tasks.spawn(write(seen, "late"));
    }
}

}  // namespace

TEST_CASE_METHOD(fixture, "a task spawned while the group stops is dropped", "[async]") {
    tasks.spawn(spawn_when_cancelled(time, tasks, seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen.empty());

    tasks.spawn(write(seen, "again"));  // a stopped group can be used again
    run(context, tasks.join());
    CHECK(seen == diary{"again"});
}

TEST_CASE_METHOD(fixture, "a failure cancels the siblings and is rethrown once", "[async]") {
    tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    tasks.spawn(fail_after(time, 1ms));
    tasks.spawn(sleep_and_write(time, long_time, seen, "b"));
    CHECK_THROWS_AS(run(context, tasks.join()), std::runtime_error);
    CHECK(tasks.empty());
    CHECK(seen == diary{"a cancelled", "b cancelled"});
    CHECK_NOTHROW(run(context, tasks.stop()));
}

TEST_CASE_METHOD(fixture, "stop rethrows a failure", "[async]") {
    tasks.spawn(fail_after(time, 0ms));
    CHECK_THROWS_AS(run(context, stop_after(time, 2ms, tasks)), std::runtime_error);
    CHECK(tasks.empty());
}

namespace {

awaitable<> stop_and_write(task_group& tasks, diary& seen) {
    co_await tasks.stop();
    seen.push_back(tasks.empty() ? "empty" : "not empty");
}

}  // namespace

TEST_CASE_METHOD(fixture, "stop waits although its caller is cancelled", "[async]") {
    tasks.spawn(shield_and_write(sleep_and_write(time, 5ms, seen, "cleaned up"), seen));
    task_group stoppers(context.get_executor());
    stoppers.spawn(stop_and_write(tasks, seen));
    run(context, stop_after(time, 2ms, stoppers));
    CHECK(seen == diary{"cleaned up", "after the shield", "empty"});
}

TEST_CASE_METHOD(fixture, "several may wait for the same group", "[async]") {
    tasks.spawn(sleep_and_write(time, 2ms, seen, "a"));
    task_group waiters(context.get_executor());
    waiters.spawn(tasks.join());
    waiters.spawn(tasks.join());
    run(context, waiters.join());
    CHECK(waiters.empty());
}

TEST_CASE_METHOD(fixture, "a thousand tasks end", "[async]") {
    for (int count = 0; count < 1000; ++count) tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(tasks.empty());
    CHECK(seen.size() == 1000);
}

TEST_CASE_METHOD(fixture, "a notification is remembered, and several are one", "[async]") {
    notifier changed(context.get_executor());
    changed.notify();
    changed.notify();
    run(context, changed.wait());
    tasks.spawn(wait_and_write(changed, seen));
    run(context, stop_after(time, 2ms, tasks));
    CHECK(seen.empty());
}

namespace {

awaitable<> notify_twice_then_stop(clock& time, notifier& changed, task_group& tasks) {
    co_await time.sleep_for(1ms);
    changed.notify();
    changed.notify();
    co_await time.sleep_for(1ms);
    co_await tasks.stop();
}

}  // namespace

TEST_CASE_METHOD(fixture, "a notification wakes all who wait, and they are not woken again", "[async]") {
    notifier changed(context.get_executor());
    tasks.spawn(wait_and_write(changed, seen));
    tasks.spawn(wait_and_write(changed, seen));
    run(context, notify_twice_then_stop(time, changed, tasks));
    CHECK(seen == diary{"woken", "woken"});

    tasks.spawn(wait_and_write(changed, seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen.size() == 2);
}

namespace {

awaitable<> notify_and_cancel(clock& time, notifier& changed, task_group& waiters, diary& seen) {
    co_await time.sleep_for(1ms);
    changed.notify();
    waiters.cancel();
    co_await waiters.join();
    co_await wait_and_write(changed, seen);
}

}  // namespace

TEST_CASE_METHOD(fixture, "a waiter that is cancelled as it is notified leaves the notification to the next",
                 "[async]") {
    notifier changed(context.get_executor());
    task_group waiters(context.get_executor());
    waiters.spawn(changed.wait());
    tasks.spawn(notify_and_cancel(time, changed, waiters, seen));
    run(context, stop_after(time, 5ms, tasks));
    CHECK(seen == diary{"woken"});
}

TEST_CASE_METHOD(fixture, "a channel holds no more than its capacity and delivers in order", "[async]") {
    channel<int> numbers(context.get_executor(), 2);
    std::vector<int> received;
    tasks.spawn(send_many(numbers, 5));
    context.run_for(2ms);
    CHECK(numbers.size() == 2);
    CHECK(tasks.size() == 1);  // the sender waits

    task_group receivers(context.get_executor());
    receivers.spawn(receive_all(numbers, received));
    run(context, tasks.join());
    numbers.close();
    run(context, receivers.join());
    CHECK(received == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE_METHOD(fixture, "try_send refuses a full and a closed channel and leaves the value alone", "[async]") {
    channel<std::string> texts(context.get_executor(), 1);
    std::string first = "first", second = "second";
    CHECK(texts.try_send(first));
    CHECK_FALSE(texts.try_send(second));
    CHECK(second == "second");
    texts.close();
    CHECK_FALSE(texts.try_send(second));
    auto const received = run(context, texts.receive());
    REQUIRE(received);
    CHECK(*received == "first");  // what was sent before the close
    auto const after_end = run(context, texts.receive());
    REQUIRE(after_end.has_error());
    CHECK(after_end.error().code == errc::unavailable);
}

TEST_CASE_METHOD(fixture, "closing refuses every sender that waits", "[async]") {
    channel<int> numbers(context.get_executor(), 1);
    for (int number = 0; number < 4; ++number) tasks.spawn(send_and_write(numbers, number, seen));
    context.run_for(2ms);
    CHECK(tasks.size() == 3);
    numbers.close();
    context.run_for(2ms);
    CHECK(tasks.empty());
    CHECK(seen == diary{"sent", "refused", "refused", "refused"});
    run(context, tasks.stop());
}

TEST_CASE_METHOD(fixture, "abort drops what was not received", "[async]") {
    channel<int> numbers(context.get_executor(), 1);
    int number = 1;
    REQUIRE(numbers.try_send(number));
    numbers.abort();
    CHECK(numbers.is_closed());
    CHECK(run(context, numbers.receive()).has_error());
}

TEST_CASE_METHOD(fixture, "many senders all get through a small channel", "[async]") {
    channel<int> numbers(context.get_executor(), 2);
    std::vector<int> received;
    for (int count = 0; count < 8; ++count) tasks.spawn(send_many(numbers, 10));
    task_group receivers(context.get_executor());
    receivers.spawn(receive_all(numbers, received));
    run(context, tasks.join());
    numbers.close();
    run(context, receivers.join());
    CHECK(received.size() == 80);
}

TEST_CASE_METHOD(fixture, "a cancelled receiver loses nothing and a cancelled sender sends nothing", "[async]") {
    channel<int> numbers(context.get_executor(), 1);
    std::vector<int> received;
    tasks.spawn(receive_one(numbers, received));
    run(context, stop_after(time, 1ms, tasks));
    tasks.spawn(send_many(numbers, 2));  // the second does not fit
    run(context, stop_after(time, 1ms, tasks));
    CHECK(received.empty());
    CHECK(numbers.size() == 1);
    run(context, receive_one(numbers, received));
    CHECK(received == std::vector{0});
}

TEST_CASE_METHOD(fixture, "work that ends before its deadline returns its result", "[async]") {
    auto const in_time = run(context, with_deadline(time, time.now() + long_time, answer_after(time, 1ms, 7)));
    REQUIRE(in_time);
    CHECK(*in_time == 7);
}

namespace {

awaitable<result<int>> answer_late(clock& time, diary& seen) {
    co_await sleep_and_write(time, long_time, seen, "work");
    co_return 1;
}

awaitable<result<int>> answer_despite_cancellation(clock& time) {
    co_return co_await shield(answer_after(time, 3ms, 7));
}

}  // namespace

TEST_CASE_METHOD(fixture, "work that is late is cancelled and timed out", "[async]") {
    auto const late = run(context, with_deadline(time, time.now() + 1ms, answer_late(time, seen)));
    REQUIRE(late.has_error());
    CHECK(late.error().code == errc::timed_out);
    CHECK(seen == diary{"work cancelled"});
}

TEST_CASE_METHOD(fixture, "a deadline in the past is timed out", "[async]") {
    auto const late = run(context, with_deadline(time, time.now() - 1s, answer_after(time, long_time, 7)));
    REQUIRE(late.has_error());
    CHECK(late.error().code == errc::timed_out);
}

TEST_CASE_METHOD(fixture, "work that succeeds although it was cancelled by its deadline keeps its result", "[async]") {
    auto const kept = run(context, with_deadline(time, time.now() + 1ms, answer_despite_cancellation(time)));
    REQUIRE(kept);
    CHECK(*kept == 7);
}

TEST_CASE_METHOD(fixture, "work that fails before its deadline fails at once", "[async]") {
    auto const started = time.now();
    CHECK_THROWS_AS(run(context, with_deadline(time, time.now() + long_time, fail_to_answer())), std::runtime_error);
    CHECK(time.now() - started < long_time / 2);
}

namespace {

awaitable<> write_how_it_ended(awaitable<result<int>> work, diary& seen) {
    try {
        auto const ended = co_await std::move(work);
        seen.push_back(ended ? "ended" : to_string(ended.error()));
    } catch (cancelled const&) {
        seen.push_back("cancelled");
    } catch (std::exception const& other) {
        seen.push_back(other.what());
    }
}

}  // namespace

TEST_CASE_METHOD(fixture, "with_deadline turns its caller's cancellation into cancelled", "[async]") {
    auto const later = time.now() + long_time;
    auto simple = with_deadline(time, later, answer_after(time, long_time, 1));
    auto nested = with_deadline(time, later, with_deadline(time, later, answer_after(time, long_time, 1)));
    tasks.spawn(write_how_it_ended(std::move(simple), seen));
    tasks.spawn(write_how_it_ended(std::move(nested), seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen == diary{"cancelled", "cancelled"});
}

TEST_CASE("the shapes of cancellation are told from failures", "[async]") {
    CHECK(is_cancellation(std::make_exception_ptr(cancelled())));
    CHECK(is_cancellation(std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted))));
    CHECK_FALSE(is_cancellation(std::make_exception_ptr(boost::system::system_error(asio::error::eof))));
    CHECK_FALSE(is_cancellation(std::make_exception_ptr(std::runtime_error("x"))));
    CHECK_FALSE(is_cancellation(nullptr));
}

TEST_CASE_METHOD(fixture, "shielded work completes although its caller is cancelled", "[async]") {
    tasks.spawn(shield_and_write(sleep_and_write(time, 3ms, seen, "work"), seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen == diary{"work", "after the shield"});
}

TEST_CASE_METHOD(fixture, "shield passes on a failure", "[async]") {
    CHECK_THROWS_AS(run(context, shield(fail_to_answer())), std::runtime_error);
}

namespace {

/// Where the work ran and where its caller was afterwards.
awaitable<bool> crosses_and_returns(asio::any_io_executor executor) {
    auto const here = std::this_thread::get_id();
    auto const there = co_await on_strand(executor, thread_here());
    co_return there != here&& std::this_thread::get_id() == here;
}

}  // namespace

TEST_CASE_METHOD(fixture, "on_strand runs there and returns here", "[async]") {
    asio::thread_pool other(1);
    CHECK(run(context, crosses_and_returns(other.get_executor())));
}

TEST_CASE_METHOD(fixture, "on_strand passes on a failure", "[async]") {
    asio::thread_pool other(1);
    CHECK_THROWS_AS(run(context, on_strand(other.get_executor(), fail_to_answer())), std::runtime_error);
    CHECK_THROWS_AS(run(context, on_strand(other.get_executor(), fail_after(time, 1ms))), std::runtime_error);
}

TEST_CASE_METHOD(fixture, "a cancelled caller of on_strand cancels the work there and waits for it", "[async]") {
    asio::thread_pool other(1);
    tasks.spawn(on_strand(other.get_executor(), sleep_and_write(time, long_time, seen, "work")));
    run(context, stop_after(time, 2ms, tasks));
    CHECK(seen == diary{"work cancelled"});
}

namespace {

/// How many of `count` crossings ended before a deadline at about the same moment.
awaitable<int> race_deadlines(clock& time, asio::any_io_executor executor, int count) {
    int ended_count = 0;
    for (int each = 0; each < count; ++each) {
        auto const length = std::chrono::microseconds(each % 50);
        auto work = on_strand(executor, answer_after(time, length, each));
        auto const ended = co_await with_deadline(time, time.now() + length, std::move(work));
        if (ended) ++ended_count;
    }
    co_return ended_count;
}

}  // namespace

TEST_CASE_METHOD(fixture, "a cancellation may meet the end of the work on another thread", "[async]") {
    asio::thread_pool other(1);
    CHECK(run(context, race_deadlines(time, other.get_executor(), 2000)) <= 2000);
}

TEST_CASE_METHOD(fixture, "offload calls a function on the pool and gives back what it returns", "[async]") {
    asio::thread_pool pool(1);
    auto const where = run(context, offload(pool.get_executor(), [] { return std::this_thread::get_id(); }));
    CHECK(where != std::this_thread::get_id());
    auto owned = std::make_unique<int>(7);
    CHECK(run(context, offload(pool.get_executor(), [owned = std::move(owned)] { return *owned; })) == 7);
    int calls = 0;
    run(context, offload(pool.get_executor(), [&] { ++calls; }));
    CHECK(calls == 1);
    auto broken = []() -> int { throw std::runtime_error("broken"); };
    CHECK_THROWS_AS(run(context, offload(pool.get_executor(), broken)), std::runtime_error);
}

TEST_CASE_METHOD(fixture, "a cancelled caller of offload waits for the end of the function", "[async]") {
    asio::thread_pool pool(1);
    std::atomic<bool> ended = false;
    tasks.spawn(offload(pool.get_executor(), [&] {
        std::this_thread::sleep_for(5ms);
        ended = true;
    }));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(ended);
}

}  // namespace rik
