// Tickets: who gets one, who waits, and that none is lost.
#include <rik/async/keyed_limiter.hpp>
#include <rik/async/limiter.hpp>

#include "support/async_fixture.hpp"

#include <algorithm>
#include <string>

using namespace rik;
using namespace rik::testing;

namespace {

/// Writes when it has its ticket, and keeps it until it is cancelled.
awaitable<> hold(keyed_limiter& places, std::string key, diary& seen) {
    auto const ticket = co_await places.acquire(key);
    seen.push_back(key);
    system_clock time;
    co_await time.sleep_for(long_time);
}

awaitable<> hold_one(limiter& places) {
    auto const ticket = co_await places.acquire();
    system_clock time;
    co_await time.sleep_for(long_time);
}

awaitable<> write_when_idle(limiter& places, diary& seen) {
    co_await places.wait_until_idle();
    seen.emplace_back("idle");
}

struct limiter_fixture : async_fixture {
    void hold_more(task_group& group, keyed_limiter& places, std::string const& key, int count) {
        for (int i = 0; i < count; ++i) group.spawn(hold(places, key, seen));
        run_ready(context);
    }
    int count_of(std::string const& key) const { return static_cast<int>(std::count(seen.begin(), seen.end(), key)); }
};

}  // namespace

TEST_CASE_METHOD(limiter_fixture, "who waits for a ticket of one key holds up no other key", "[async]") {
    keyed_limiter places(context.get_executor(), {.per_key_max = 2, .in_all_max = 16});
    task_group others(context.get_executor());
    hold_more(tasks, places, "a", 10);
    hold_more(others, places, "b", 1);
    CHECK(count_of("a") == 2);
    CHECK(count_of("b") == 1);
    CHECK(places.key_count() == 2);
    run(context, tasks.stop());
    CHECK(count_of("a") == 2);
    CHECK(places.key_count() == 1);
    run(context, others.stop());
    CHECK(places.key_count() == 0);
}

TEST_CASE_METHOD(limiter_fixture, "no more tickets are out than there may be in all", "[async]") {
    keyed_limiter places(context.get_executor(), {.per_key_max = 2, .in_all_max = 3});
    task_group first(context.get_executor());
    hold_more(first, places, "a", 2);
    hold_more(tasks, places, "b", 2);
    hold_more(tasks, places, "c", 2);
    CHECK(seen == diary{"a", "a", "b"});
    CHECK(places.key_count() == 3);
    run(context, first.stop());
    CHECK(seen.size() == 5);
    CHECK(places.key_count() == 2);
    run(context, tasks.stop());
    CHECK(places.key_count() == 0);
}

TEST_CASE_METHOD(limiter_fixture, "who is cancelled, waiting or not, leaves its place to the next", "[async]") {
    keyed_limiter places(context.get_executor(), {.per_key_max = 1, .in_all_max = 1});
    task_group holder(context.get_executor());
    task_group waiters(context.get_executor());
    hold_more(holder, places, "a", 1);
    hold_more(waiters, places, "a", 3);
    hold_more(waiters, places, "b", 3);
    hold_more(tasks, places, "b", 1);
    CHECK(seen == diary{"a"});
    waiters.cancel();
    holder.cancel();
    run_ready(context);
    CHECK(seen.back() == "b");
    CHECK(places.key_count() == 1);
    run(context, tasks.stop());
    run(context, waiters.stop());
    run(context, holder.stop());
    CHECK(places.key_count() == 0);
}

TEST_CASE_METHOD(limiter_fixture, "a limiter is idle when nobody has a place or waits for one", "[async]") {
    limiter places(context.get_executor(), 1);
    task_group holder(context.get_executor());
    task_group waiter(context.get_executor());
    tasks.spawn(write_when_idle(places, seen));
    run_ready(context);
    CHECK(seen == diary{"idle"});
    holder.spawn(hold_one(places));
    waiter.spawn(hold_one(places));
    run_ready(context);
    tasks.spawn(write_when_idle(places, seen));
    tasks.spawn(write_when_idle(places, seen));
    run(context, holder.stop());  // the waiter has its place now
    CHECK(seen == diary{"idle"});
    run(context, waiter.stop());
    run_ready(context);
    CHECK(seen == diary{"idle", "idle", "idle"});
}
