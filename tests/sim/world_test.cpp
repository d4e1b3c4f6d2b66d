#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/sim/world.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;

namespace {

awaitable<> sleeps(rik::clock& time, duration length) { co_await time.sleep_for(length); }

awaitable<> marks(rik::clock& time, duration length, int mark, std::vector<int>& into) {
    co_await time.sleep_for(length);
    into.push_back(mark);
}

awaitable<> waits_for_ever(asio::any_io_executor executor) {
    notifier never(executor);
    co_await never.wait();
}

awaitable<> three_at_once(sim::world& world, std::vector<int>& into) {
    task_group tasks(world.executor());
    tasks.spawn(marks(world.time(), 2s, 2, into));
    tasks.spawn(marks(world.time(), 1s, 1, into));
    tasks.spawn(marks(world.time(), 2s, 3, into));
    co_await tasks.join();
}

awaitable<result<void>> long_work(rik::clock& time) {
    co_await time.sleep_for(1h);
    co_return result<void>{};
}

awaitable<result<void>> hurried(rik::clock& time) { return with_deadline(time, time.now() + 1s, long_work(time)); }

awaitable<> stops_a_sleeper(sim::world& world) {
    task_group tasks(world.executor());
    tasks.spawn(sleeps(world.time(), 24h));
    co_await world.time().sleep_for(1s);
    co_await tasks.stop();
}

/// Cannot be cancelled.
awaitable<> marks_in_spite_of_all(rik::clock& time, duration length, int mark, std::vector<int>& into) {
    co_await shield(marks(time, length, mark, into));
}

struct unwinding {
    bool& seen;
    ~unwinding() { seen = true; }
};

awaitable<> notices_its_end(rik::clock& time, bool& has_ended) {
    unwinding const end{has_ended};
    co_await time.sleep_for(24h);
}

}  // namespace

TEST_CASE("a month of virtual time passes at once") {
    sim::world world;
    auto const before = world.time().now();
    world.run(sleeps(world.time(), 24h * 30));
    CHECK(world.time().now() - before == 24h * 30);
}

TEST_CASE("equal moments come in the order in which they were asked for") {
    sim::world world;
    std::vector<int> marks_seen;
    world.run(three_at_once(world, marks_seen));
    CHECK(marks_seen == std::vector<int>{1, 2, 3});
}

TEST_CASE("a scenario that waits for ever is reported") {
    sim::world world;
    CHECK_THROWS_AS(world.run(waits_for_ever(world.executor())), std::runtime_error);
}

TEST_CASE("a scenario that takes too long has ended when that is reported") {
    sim::world world;
    bool has_ended = false;
    CHECK_THROWS_AS(world.run(notices_its_end(world.time(), has_ended), 1h), std::runtime_error);
    CHECK(has_ended);
}

TEST_CASE("a scenario that cannot be cancelled goes on in a later run, and harms nobody") {
    sim::world world;
    std::vector<int> marks_seen;
    CHECK_THROWS_AS(world.run(marks_in_spite_of_all(world.time(), 2h, 1, marks_seen), 1h), std::runtime_error);
    world.run(sleeps(world.time(), 24h));
    CHECK(marks_seen == std::vector<int>{1});
}

TEST_CASE("a world may end while somebody sleeps in it") {
    std::vector<int> marks_seen;
    {
        sim::world world;
        CHECK_THROWS_AS(world.run(marks_in_spite_of_all(world.time(), 2h, 1, marks_seen), 1h), std::runtime_error);
    }
    CHECK(marks_seen.empty());
}

TEST_CASE("a deadline passes in virtual time, and the work has ended") {
    sim::world world;
    auto const ended = world.run(hurried(world.time()));
    REQUIRE_FALSE(ended.has_value());
    CHECK(ended.error().code == errc::timed_out);
}

TEST_CASE("a stopped sleeper leaves the clock") {
    sim::world world;
    auto const before = world.time().now();
    world.run(stops_a_sleeper(world));
    CHECK(world.time().now() - before == 1s);
}
