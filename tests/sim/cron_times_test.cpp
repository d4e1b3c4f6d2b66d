// CronJobs over long times, and many of them, on a primary alone.
#include <rik/controllers/cron_times.hpp>

#include <support/lone_primary.hpp>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;
using namespace std::chrono;

namespace {

void simulate(awaitable<> (*what)(lone_primary&), rik::duration limit = 24h) {
    sim::world world(42);
    lone_primary alone(world);
    world.run(what(alone), limit);
}

/// Its Jobs are complete at once: they want no instance.
std::string daily(std::string const& zone) {
    return R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"hello"},"spec":{"schedule":"30 2 * * *",)"
           R"("timeZone":")" +
           zone +
           R"(","jobTemplate":{"spec":{"completions":0,"template":{"spec":{"restartPolicy":"Never","containers":)"
           R"([{"name":"main","image":"x"}]}}}}}})";
}

awaitable<std::set<std::string>> names_of_jobs(lone_primary& alone) {
    workload_filter filter;
    filter.chosen.fields.push_back({.field = "kind", .value = "Job"});
    auto const listed = co_await alone.role->workloads().list(caller(), std::move(filter), page());
    REQUIRE(listed.has_value());
    std::set<std::string> names;
    for (auto const& each : listed->rows) names.insert(each->name);
    co_return names;
}

/// Half past two in Berlin, each day of 2026: an hour after midnight and a half in UTC, and in summer half an hour
/// after it. On 29 March there is none, on 25 October there are two.
std::set<std::string> berlin_table() {
    std::set<std::string> names;
    for (sys_days day = 2026y / January / 1; day < sys_days(2027y / January / 1); day += days(1)) {
        auto const is_summer = day >= sys_days(2026y / March / 29) && day < sys_days(2026y / October / 25);
        if (day == sys_days(2026y / March / 29)) continue;
        names.insert(cron_run_name("hello", day + (is_summer ? 0h : 1h) + 30min));
        if (day == sys_days(2026y / October / 25)) names.insert(cron_run_name("hello", day + 0h + 30min));
    }
    return names;
}

awaitable<> lives_a_year_in_berlin(lone_primary& alone) {
    co_await alone.start();
    co_await alone.create_from(daily("Europe/Berlin"));
    std::set<std::string> seen;
    for (int day = 0; day < 365; ++day) {
        co_await alone.world.time().sleep_for(24h);
        auto const there = co_await names_of_jobs(alone);
        CHECK(there.size() <= 3);
        seen.insert(there.begin(), there.end());
        if (day % 50 == 7) {
            co_await alone.crash();
            co_await alone.start();
        }
    }
    auto const wanted = berlin_table();
    CHECK(wanted.size() == 365);
    CHECK(seen == wanted);
    co_await alone.stop();
}

double metric_of(lone_primary const& alone, std::string const& name) {
    for (auto const& each : alone.role->health().metrics)
        if (each.name == name) return each.samples.front().value;
    FAIL("there is no metric " << name);
    return 0;
}
double looks_of(lone_primary const& alone) { return metric_of(alone, "rik_primary_workload_looks_total"); }
double revision_of(lone_primary const& alone) { return metric_of(alone, "rik_primary_revision"); }

/// While they wait there is a timer for the next of them, and nothing else; a start looks at each once, and writes
/// nothing.
template <int many>
awaitable<> many_wait(lone_primary& alone) {
    co_await alone.start();
    for (int i = 0; i < many; ++i)
        co_await alone.create_from(R"({"apiVersion":"v1","kind":"CronJob","name":"wait-)" + std::to_string(i) +
                                   R"(","schedule":"0 0 1 7 *","timeZone":"Europe/Berlin","jobTemplate":{"template":)"
                                   R"({"spec":{"containers":[{"name":"main","image":"x"}]}}}})");
    co_await alone.world.time().sleep_for(1min);
    CHECK(looks_of(alone) <= 2 * many);
    auto const looks = looks_of(alone);
    auto const written = revision_of(alone);
    co_await alone.world.time().sleep_for(1h);
    CHECK(looks_of(alone) == looks);
    CHECK(revision_of(alone) == written);
    co_await alone.crash();
    co_await alone.start();
    co_await alone.world.time().sleep_for(1min);
    CHECK(looks_of(alone) == many);
    CHECK(revision_of(alone) <= written + 1);  // a start writes something of its own
    co_await alone.stop();
}

awaitable<> many_are_due_at_once(lone_primary& alone) {
    co_await alone.start();
    constexpr int some = 500;
    for (int i = 0; i < some; ++i)
        co_await alone.create_from(
            R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"go-)" + std::to_string(i) +
            R"("},"spec":{"schedule":"@hourly","jobTemplate":{"spec":{"completions":0,"template":)"
            R"({"spec":{"restartPolicy":"Never","containers":[{"name":"main","image":"x"}]}}}}}})");
    co_await alone.world.time().sleep_for(1h + 1s);
    auto const names = co_await names_of_jobs(alone);
    CHECK(names.size() == some);
    co_await alone.stop();
}

}  // namespace

TEST_CASE("a year in a zone whose clocks are set starts what its table says", "[sim][cron]") {
    simulate(lives_a_year_in_berlin, 24h * 400);
}
TEST_CASE("a thousand CronJobs cost nothing while they wait", "[sim][cron]") { simulate(many_wait<1'000>); }
TEST_CASE("ten thousand CronJobs cost nothing while they wait", "[.][sim][cron]") { simulate(many_wait<10'000>); }
TEST_CASE("many CronJobs are due at once", "[sim][cron]") { simulate(many_are_due_at_once); }
