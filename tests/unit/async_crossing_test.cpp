// Deadlines, shields, and work on other executors: ended normally, cancelled, and failed.
#include "support/async_fixture.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/strand.hpp>
#include <rik/async/unless.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace rik {

using namespace rik::testing;

namespace {

awaitable<result<int>> answer_after(clock& time, duration length, int value) {
    co_await time.sleep_for(length);
    co_return value;
}

awaitable<result<int>> fail_to_answer() {
    co_await yield();
    throw std::runtime_error("broken");
}

awaitable<std::thread::id> thread_here() {
    co_await yield();
    co_return std::this_thread::get_id();
}

}  // namespace

TEST_CASE_METHOD(async_fixture, "work that ends before its deadline returns its result", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "work that is late is cancelled and timed out", "[async]") {
    auto const late = run(context, with_deadline(time, time.now() + 1ms, answer_late(time, seen)));
    REQUIRE(late.has_error());
    CHECK(late.error().code == errc::timed_out);
    CHECK(seen == diary{"work cancelled"});
}

TEST_CASE_METHOD(async_fixture, "a deadline in the past is timed out", "[async]") {
    auto const late = run(context, with_deadline(time, time.now() - 1s, answer_after(time, long_time, 7)));
    REQUIRE(late.has_error());
    CHECK(late.error().code == errc::timed_out);
}

TEST_CASE_METHOD(async_fixture, "work that succeeds although it was cancelled by its deadline keeps its result",
                 "[async]") {
    auto const kept = run(context, with_deadline(time, time.now() + 1ms, answer_despite_cancellation(time)));
    REQUIRE(kept);
    CHECK(*kept == 7);
}

TEST_CASE_METHOD(async_fixture, "work that fails before its deadline fails at once", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "with_deadline turns its caller's cancellation into cancelled", "[async]") {
    auto const later = time.now() + long_time;
    auto simple = with_deadline(time, later, answer_after(time, long_time, 1));
    auto nested = with_deadline(time, later, with_deadline(time, later, answer_after(time, long_time, 1)));
    tasks.spawn(write_how_it_ended(std::move(simple), seen));
    tasks.spawn(write_how_it_ended(std::move(nested), seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen == diary{"cancelled", "cancelled"});
}

TEST_CASE_METHOD(async_fixture, "an event that comes first ends the work, and what it throws is rethrown at once",
                 "[async]") {
    notifier happened(context.get_executor());
    happened.notify();
    CHECK_FALSE(run(context, unless(happened.wait(), answer_late(time, seen))));
    CHECK(seen == diary{"work cancelled"});
    CHECK_THROWS_AS(run(context, unless(fail_after(time, 1ms), answer_late(time, seen))), std::runtime_error);
    CHECK(seen == diary{"work cancelled", "work cancelled"});
    auto const kept = run(context, unless(happened.wait(), answer_after(time, 1ms, 7)));
    REQUIRE(kept);
    CHECK(**kept == 7);
}

TEST_CASE("the shapes of cancellation are told from failures", "[async]") {
    CHECK(is_cancellation(std::make_exception_ptr(cancelled())));
    CHECK(is_cancellation(std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted))));
    CHECK_FALSE(is_cancellation(std::make_exception_ptr(boost::system::system_error(asio::error::eof))));
    CHECK_FALSE(is_cancellation(std::make_exception_ptr(std::runtime_error("x"))));
    CHECK_FALSE(is_cancellation(nullptr));
}

TEST_CASE_METHOD(async_fixture, "shielded work completes although its caller is cancelled", "[async]") {
    tasks.spawn(shield_and_write(sleep_and_write(time, 3ms, seen, "work"), seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen == diary{"work", "after the shield"});
}

TEST_CASE_METHOD(async_fixture, "shield passes on a failure", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "on_strand runs there and returns here", "[async]") {
    asio::thread_pool other(1);
    CHECK(run(context, crosses_and_returns(other.get_executor())));
}

TEST_CASE_METHOD(async_fixture, "on_strand passes on a failure", "[async]") {
    asio::thread_pool other(1);
    CHECK_THROWS_AS(run(context, on_strand(other.get_executor(), fail_to_answer())), std::runtime_error);
    CHECK_THROWS_AS(run(context, on_strand(other.get_executor(), fail_after(time, 1ms))), std::runtime_error);
}

TEST_CASE_METHOD(async_fixture, "a cancelled caller of on_strand cancels the work there and waits for it", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a cancellation may meet the end of the work on another thread", "[async]") {
    asio::thread_pool other(1);
    CHECK(run(context, race_deadlines(time, other.get_executor(), 2000)) <= 2000);
}

TEST_CASE_METHOD(async_fixture, "offload calls a function on the pool and gives back what it returns", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a cancelled caller of offload waits for the end of the function", "[async]") {
    asio::thread_pool pool(1);
    std::atomic<bool> ended = false;
    tasks.spawn(offload(pool.get_executor(), [&] {
        std::this_thread::sleep_for(5ms);
        ended = true;
    }));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(ended);
}

TEST_CASE("a strand of whatever executor runs one thing at a time", "[async]") {
    asio::thread_pool pool(4);
    asio::io_context context;
    auto keeps_it_alive = asio::make_work_guard(context);
    std::vector<std::jthread> threads;
    for (int made = 0; made < 4; ++made) threads.emplace_back([&] { context.run(); });
    asio::any_io_executor const of_pool = pool.get_executor();
    asio::any_io_executor const of_context = context.get_executor();
    asio::any_io_executor const of_strand = make_strand_of(of_pool);
    for (auto const& executor : {of_pool, of_context, of_strand}) {
        auto const strand = make_strand_of(executor);
        std::atomic<int> at_once = 0;
        std::atomic<int> left = 2000;
        std::atomic<bool> has_overlapped = false;
        for (int posted = left; posted > 0; --posted)
            asio::post(strand, [&] {
                if (++at_once > 1) has_overlapped = true;
                if (left % 100 == 0) std::this_thread::yield();
                --at_once;
                --left;
            });
        while (left > 0) std::this_thread::yield();
        CHECK_FALSE(has_overlapped);
    }
    keeps_it_alive.reset();
}

}  // namespace rik
