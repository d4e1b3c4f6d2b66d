// Tickets: who gets one, who waits, and that none is lost.
#include <rik/async/keyed_limiter.hpp>
#include <rik/async/limiter.hpp>

#include "support/async_fixture.hpp"

#include <algorithm>
#include <string>

using namespace rik;
using namespace rik::testing;

namespace {

awaitable<> hold_one(limiter& places) {
    auto const ticket = co_await places.acquire();
    system_clock time;
    co_await time.sleep_for(long_time);
}

awaitable<> write_when_idle(limiter& places, diary& seen) {
    co_await places.wait_until_idle();
    seen.emplace_back("idle");
}

}  // namespace

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
