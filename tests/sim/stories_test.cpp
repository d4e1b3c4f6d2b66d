// What the story of a workload says of what goes wrong, on the real roles in virtual time.
#include <sim/scenario.hpp>

#include <algorithm>
#include <string>
#include <string_view>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

/// In Kubernetes' form; `more` stands in spec.
std::string deployment(std::string const& image, std::string const& more) {
    return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{)" + more +
           R"("selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)" +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}}})";
}

awaitable<workload_story> story(sim::cluster& cluster) {
    object_ref which("web");
    auto told = co_await cluster.api().workloads().story(caller(), std::move(which));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The newest event of this reason, as it is kept; empty: there is none.
awaitable<std::string> event_of(sim::cluster& cluster, std::string reason) {
    auto const events = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(events.has_value());
    std::string found;
    for (auto const& each : events->rows)
        if (has(each->json, "\"" + reason + "\"")) found = each->json;
    co_return found;
}

bool has_step(workload_story const& told, std::string_view part) {
    return std::ranges::any_of(told.steps, [&](auto const& each) { return has(each.what, part); });
}

awaitable<> until_held_up(sim::cluster& cluster, sim::world& world, std::string part) {
    std::string last;
    for (int tries = 0; tries < 1'200; ++tries) {
        auto const told = co_await story(cluster);
        if (told.progress) last = told.progress->held_up;
        if (has(last, part)) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("nothing is held up by '" << part << "', but by '" << last << "'");
}

awaitable<> tells_what_is_stuck(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, deployment("web:1", R"("replicas":2,"progressDeadlineSeconds":20,)"));
    co_await cluster.until(sim::all_running(2));
    cluster.node(0).faults.pull_error = error{errc::not_found, "there is no such image"};
    co_await apply(cluster, deployment("web:2", R"("replicas":2,"progressDeadlineSeconds":20,)"));
    co_await world.time().sleep_for(1min);
    auto const told = co_await story(cluster);
    auto const said = co_await event_of(cluster, "ProgressDeadlineExceeded");
    CHECK(has(said, "\"warning\""));
    CHECK(has(said, "has timed out progressing. Instance web-"));
    CHECK(has(said, "; container main: waiting ("));
    CHECK(has(said, "there is no such image"));
    CHECK(has_step(told, "has timed out progressing. Instance web-"));
    auto const count = told.steps.size();
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await world.time().sleep_for(1min);
    auto const later = co_await story(cluster);
    CHECK(later.steps.size() == count);  // it is told once
}

awaitable<> tells_what_recreating_waits_for(sim::cluster& cluster, sim::world& world) {
    auto const more = std::string(R"("replicas":2,"strategy":{"type":"Recreate"},)");
    co_await apply(cluster, deployment("web:1", more));
    co_await cluster.until(sim::all_running(2));
    co_await cluster.power_off(1);
    co_await world.time().sleep_for(20s);
    co_await apply(cluster, deployment("web:2", more));
    co_await until_held_up(cluster, world, "there is no instance of the new release (strategy Recreate) until");
    auto const said = co_await event_of(cluster, "WaitsForNode");
    CHECK(has(said, "rikctl node declare-dead node-1"));
    object_ref which("node-1");
    auto const dead = co_await cluster.api().nodes().declare_dead(caller(), std::move(which), "node-1");
    REQUIRE(dead.has_value());
    condition const are_new = [](rows const& all) {
        return sim::all_running(2)(all) && std::ranges::all_of(all, [](auto const& row) {
                   return row->spec().containers.front().image == "web:2";
               });
    };
    co_await cluster.until(are_new);
    auto const told = co_await story(cluster);
    CHECK(told.progress->held_up == "");
    CHECK(has_step(told, "1 instance left: web-"));
    CHECK(has_step(told, "given up: node node-1 was declared dead"));
}

awaitable<> tells_what_waits_and_what_is_given_up(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, deployment("web:1", R"("replicas":2,)"));
    co_await cluster.until(sim::all_running(2));
    co_await cluster.power_off(1);
    co_await until_held_up(cluster, world, "which is not heard: it is given up at");
    auto const waits = co_await event_of(cluster, "ReplacingWaits");
    CHECK(has(waits, "it is given up at"));
    auto const stops = co_await event_of(cluster, "ReplacingStopped");
    CHECK(stops == "");
    co_await world.time().sleep_for(6min);
    auto const said = co_await event_of(cluster, "InstancesGivenUp");
    CHECK(has(said, "gave up 1 instance: web-"));
    CHECK(has(said, "its node node-1 has not been heard"));
    auto const told = co_await story(cluster);
    CHECK(has_step(told, "gave up 1 instance: web-"));
}

awaitable<> tells_what_a_drain_takes(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, deployment("web:1", R"("replicas":2,)"));
    co_await cluster.until(sim::all_running(2));
    object_ref which("node-1");
    auto const drained = co_await cluster.api().nodes().drain(caller(), std::move(which), drain_options());
    REQUIRE(drained.has_value());
    REQUIRE(drained->leaving.size() == 1);
    co_await world.time().sleep_for(10s);
    auto const told = co_await story(cluster);
    CHECK(has_step(told, "1 instance left: " + drained->leaving.front()->name() + ": its node is being drained"));
    auto const said = co_await event_of(cluster, "InstancesLeft");
    CHECK(has(said, "its node is being drained"));
    CHECK(has_step(told, "made 1 instance: "));
}

awaitable<> tells_from_and_to(sim::cluster& cluster, sim::world&) {
    for (auto const* count : {"1", "2", "1"})
        co_await apply(cluster, deployment("web:1", R"("replicas":)" + std::string(count) + ","));
    auto const up = co_await event_of(cluster, "Changed");
    CHECK(has(up, "spec.replicas (2 -> 1)"));
    co_await apply(cluster, deployment("web:2", R"("replicas":1,)"));
    auto const image = co_await event_of(cluster, "Changed");
    CHECK(has(image, R"(image (\"web:1\" -> \"web:2\"))"));
}

}  // namespace

TEST_CASE("when a rollout cannot go its story names the instance and the reason", "[sim][story]") {
    simulate(tells_what_is_stuck);
}
TEST_CASE("a Deployment that recreates says which node it waits for", "[sim][story]") {
    simulate(tells_what_recreating_waits_for, 2);
}
TEST_CASE("what waits to be given up, and what is, is told", "[sim][story]") {
    simulate(tells_what_waits_and_what_is_given_up, 2);
}
TEST_CASE("what leaves by a drain is told", "[sim][story]") { simulate(tells_what_a_drain_takes, 2); }
TEST_CASE("a change says from what to what", "[sim][story]") { simulate(tells_from_and_to); }
