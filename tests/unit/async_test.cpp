// Groups of tasks, notifiers and channels: ended normally, cancelled, and failed.
#include "support/async_fixture.hpp"

#include <rik/async/channel.hpp>
#include <rik/async/notifier.hpp>

namespace rik {

using namespace rik::testing;

namespace {

awaitable<> do_nothing() { co_return; }

awaitable<> write(diary& seen, std::string what) {
    co_await yield();
    seen.push_back(std::move(what));
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

}  // namespace

TEST_CASE_METHOD(async_fixture, "a group waits for all its tasks", "[async]") {
    tasks.spawn(sleep_and_write(time, 50ms, seen, "a"));
    tasks.spawn(write(seen, "b"));
    CHECK(tasks.size() == 2);
    run(context, tasks.join());
    CHECK(tasks.empty());
    CHECK(seen == diary{"b", "a"});
}

TEST_CASE_METHOD(async_fixture, "joining and stopping an empty group returns at once", "[async]") {
    run(context, tasks.join());
    run(context, tasks.stop());
    CHECK(tasks.empty());
}

TEST_CASE_METHOD(async_fixture, "stop cancels the tasks and waits for their end", "[async]") {
    tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    tasks.spawn(sleep_and_write(time, long_time, seen, "b"));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(tasks.empty());
    CHECK(seen == diary{"a cancelled", "b cancelled"});
}

TEST_CASE_METHOD(async_fixture, "a task may end before a cancellation from outside arrives", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a task spawned while the group stops is dropped", "[async]") {
    tasks.spawn(spawn_when_cancelled(time, tasks, seen));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(seen.empty());

    tasks.spawn(write(seen, "again"));  // a stopped group can be used again
    run(context, tasks.join());
    CHECK(seen == diary{"again"});
}

// Hidden: ctest runs it alone, and looks for the last words of the program.
TEST_CASE_METHOD(async_fixture, "a task that throws ends the program", "[.][async]") {
    tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    tasks.spawn(fail_after(time, 1ms));
    run(context, time.sleep_for(long_time));
    FAIL("the program goes on");
}

namespace {

awaitable<> stop_and_write(task_group& tasks, diary& seen) {
    co_await tasks.stop();
    seen.push_back(tasks.empty() ? "empty" : "not empty");
}

}  // namespace

TEST_CASE_METHOD(async_fixture, "stop waits although its caller is cancelled", "[async]") {
    tasks.spawn(shield_and_write(sleep_and_write(time, 5ms, seen, "cleaned up"), seen));
    task_group stoppers(context.get_executor());
    stoppers.spawn(stop_and_write(tasks, seen));
    run(context, stop_after(time, 2ms, stoppers));
    CHECK(seen == diary{"cleaned up", "after the shield", "empty"});
}

TEST_CASE_METHOD(async_fixture, "several may wait for the same group", "[async]") {
    tasks.spawn(sleep_and_write(time, 2ms, seen, "a"));
    task_group waiters(context.get_executor());
    waiters.spawn(tasks.join());
    waiters.spawn(tasks.join());
    run(context, waiters.join());
    CHECK(waiters.empty());
}

TEST_CASE_METHOD(async_fixture, "a thousand tasks end", "[async]") {
    for (int count = 0; count < 1000; ++count) tasks.spawn(sleep_and_write(time, long_time, seen, "a"));
    run(context, stop_after(time, 1ms, tasks));
    CHECK(tasks.empty());
    CHECK(seen.size() == 1000);
}

TEST_CASE_METHOD(async_fixture, "a notification is remembered, and several are one", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a notification wakes all who wait, and they are not woken again", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a waiter that is cancelled as it is notified leaves the notification to the next",
                 "[async]") {
    notifier changed(context.get_executor());
    task_group waiters(context.get_executor());
    waiters.spawn(changed.wait());
    run(context, notify_and_cancel(time, changed, waiters, seen));
    CHECK(seen == diary{"woken"});
}

TEST_CASE_METHOD(async_fixture, "a channel holds no more than its capacity and delivers in order", "[async]") {
    channel<int> numbers(context.get_executor(), 2);
    std::vector<int> received;
    tasks.spawn(send_many(numbers, 5));
    context.poll();
    CHECK(numbers.size() == 2);
    CHECK(tasks.size() == 1);  // the sender waits

    task_group receivers(context.get_executor());
    receivers.spawn(receive_all(numbers, received));
    run(context, tasks.join());
    numbers.close();
    run(context, receivers.join());
    CHECK(received == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE_METHOD(async_fixture, "try_send refuses a full and a closed channel and leaves the value alone", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "closing refuses every sender that waits", "[async]") {
    channel<int> numbers(context.get_executor(), 1);
    for (int number = 0; number < 4; ++number) tasks.spawn(send_and_write(numbers, number, seen));
    context.poll();
    CHECK(tasks.size() == 3);
    numbers.close();
    context.poll();
    CHECK(tasks.empty());
    CHECK(seen == diary{"sent", "refused", "refused", "refused"});
    run(context, tasks.stop());
}

TEST_CASE_METHOD(async_fixture, "abort drops what was not received", "[async]") {
    channel<int> numbers(context.get_executor(), 1);
    int number = 1;
    REQUIRE(numbers.try_send(number));
    numbers.abort();
    CHECK(numbers.is_closed());
    CHECK(run(context, numbers.receive()).has_error());
}

TEST_CASE_METHOD(async_fixture, "many senders all get through a small channel", "[async]") {
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

TEST_CASE_METHOD(async_fixture, "a cancelled receiver loses nothing and a cancelled sender sends nothing", "[async]") {
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

}  // namespace rik
