// What an agent has begun with the containers of a Pod, and what the next one makes of it; and what is said meanwhile.
#include "node_support.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

std::string pod(std::string spec) {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{)" + spec + "}}";
}

std::string lone(std::string restart, std::string more = {}) {
    return pod(R"("restartPolicy":")" + restart + R"(","containers":[{"name":"main","image":"main:1")" + more + "}]");
}

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

container_status container(node_site const& site, instance_id id, std::string_view name = "main") {
    for (auto const& each : site.status(id).containers)
        if (each.name == name) return each;
    throw std::runtime_error("there is no such container");
}

bool says(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t starts_of(node_site const& site, std::string_view name) {
    std::size_t count = 0;
    for (auto const& each : site.machine_under.starts()) count += each.key.name == name ? 1 : 0;
    return count;
}

sim::image_behaviour ends_slowly(duration stop_time) {
    sim::image_behaviour how;
    how.stop_time = stop_time;
    return how;
}

awaitable<> restart_outlives_its_agent(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_slowly(20s));
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.restart(id);
    co_await site.time().sleep_for(3s);
    CHECK(site.status(id).restarts == 0);  // it counts when it is done
    CHECK(container(site, id).reason == "Stopping");
    co_await site.crash();
    co_await site.start();
    std::function<bool()> is_obeyed = [&] { return site.status(id).restarts == 1; };
    co_await site.until(is_obeyed);
    CHECK(container(site, id).restart_count == 1);
    CHECK(container(site, id).reason == "Started");
    co_await site.time().sleep_for(1min);
    CHECK(site.start_count(id) == 2);
    CHECK(site.status(id).ready);
}

/// One of the two has started again when the agent dies: it is not ended once more.
awaitable<> half_a_restart_is_finished(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("slow:1", ends_slowly(20s));
    auto const id = co_await site.run(pod(
        R"("restartPolicy":"OnFailure","containers":[{"name":"quick","image":"quick:1"},{"name":"slow","image":"slow:1"}])"));
    co_await site.until_state(id, instance_state::running);
    co_await site.restart(id);
    co_await site.time().sleep_for(3s);
    CHECK(starts_of(site, "quick") == 2);
    CHECK(starts_of(site, "slow") == 1);
    co_await site.crash();
    co_await site.start();
    std::function<bool()> is_obeyed = [&] { return site.status(id).restarts == 1; };
    co_await site.until(is_obeyed);
    co_await site.time().sleep_for(1min);
    CHECK(starts_of(site, "quick") == 2);
    CHECK(starts_of(site, "slow") == 2);
    CHECK(site.status(id).ready);
}

/// The program ends with 0 while no agent is there, and its policy is Never.
awaitable<> restart_ends_unseen(node_site& site) {
    co_await site.start();
    auto how = ends_slowly(20s);
    how.runs_for = 10s;
    how.ends_before_attempt = 1;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(5s);
    co_await site.restart(id);
    co_await site.time().sleep_for(1s);
    co_await site.crash();
    co_await site.time().sleep_for(10s);
    CHECK(site.machine_under.running().empty());
    co_await site.start();
    std::function<bool()> is_obeyed = [&] { return site.status(id).restarts == 1 && site.status(id).ready; };
    co_await site.until(is_obeyed);
    CHECK(site.start_count(id) == 2);
}

constexpr auto watched = R"(,"livenessProbe":{"exec":{"command":["check"]},"periodSeconds":1,"failureThreshold":3})";

/// It has its stop signal when the agent dies, and is well again: it is ended all the same.
awaitable<> end_by_probe_outlives_its_agent(node_site& site) {
    co_await site.start();
    auto how = ends_slowly(25s);
    how.answers = {{5s, false}, {12s, true}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", watched));
    co_await site.time().sleep_for(10s);
    REQUIRE(container(site, id).reason == "Stopping");
    co_await site.crash();
    co_await site.time().sleep_for(5s);
    co_await site.start();
    co_await site.time().sleep_for(5s);
    CHECK(container(site, id).reason == "Stopping");
    CHECK_FALSE(site.status(id).ready);
    std::function<bool()> is_anew = [&] { return container(site, id).restart_count == 1 && site.status(id).ready; };
    co_await site.until(is_anew);
    CHECK(container(site, id).reason == "Started");
    CHECK(says(container(site, id).last->message, "its liveness probe failed"));
}

/// A program that a probe ends, and that exits with 0 then, has not done its work.
awaitable<> ended_by_probe_is_no_success(node_site& site) {
    co_await site.start();
    auto how = ends_slowly(20s);
    how.answers = {{5s, false}};
    how.runs_for = 10s;
    how.ends_before_attempt = 1;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("OnFailure", watched));
    co_await site.time().sleep_for(12s);
    CHECK(site.status(id).state == instance_state::running);
    CHECK(container(site, id).restart_count == 1);
    REQUIRE(container(site, id).last);
    CHECK(container(site, id).last->exit_code == 0);
}

awaitable<> sidecar_has_no_image(node_site& site, bool is_of_start) {
    co_await site.start();
    sim::image_behaviour missing;
    (is_of_start ? missing.start_error : missing.pull_error) = error{errc::invalid, "there is no such thing"};
    site.machine_under.set_behaviour("side:1", missing);
    auto const id = co_await site.run(
        pod(R"("restartPolicy":"Never","initContainers":[{"name":"side","image":"side:1","restartPolicy":"Always"}],
            "containers":[{"name":"main","image":"main:1"}])"));
    co_await site.time().sleep_for(30s);
    CHECK(site.status(id).state == instance_state::creating);
    CHECK(says(site.status(id).message, "there is no such thing"));
    site.machine_under.set_behaviour("side:1", {});
    co_await site.until_state(id, instance_state::running);
    CHECK(starts_of(site, "main") == 1);
}
awaitable<> sidecar_cannot_be_pulled(node_site& site) { return sidecar_has_no_image(site, false); }
awaitable<> sidecar_cannot_be_started(node_site& site) { return sidecar_has_no_image(site, true); }

awaitable<> probe_says_something_else(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.answers = {{0s, false}};
    how.exec_output = "AAA";
    site.machine_under.set_behaviour(how);
    auto const id =
        co_await site.run(lone("Always", R"(,"readinessProbe":{"exec":{"command":["check"]},"periodSeconds":2})"));
    co_await site.time().sleep_for(7s);
    CHECK(says(container(site, id).message, "AAA"));
    how.exec_output = "BBB";
    site.machine_under.set_behaviour(how);
    co_await site.time().sleep_for(12s);
    CHECK(says(container(site, id).message, "BBB"));
    how.answers.clear();
    site.machine_under.set_behaviour(how);
    co_await site.time().sleep_for(3s);
    CHECK(container(site, id).message.empty());
    CHECK(site.status(id).ready);
}

awaitable<> hook_hangs(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.exec_time = 1h;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", R"(,"lifecycle":{"postStart":{"exec":{"command":["up"]}}})"));
    co_await site.time().sleep_for(5s);
    CHECK(says(container(site, id).message, "postStart hook"));
    co_await site.crash();
    co_await site.start();
    co_await site.time().sleep_for(5s);
    CHECK(says(container(site, id).message, "postStart hook"));  // it runs once more
    CHECK_FALSE(container(site, id).started);
    CHECK_FALSE(site.status(id).ready);
    how.exec_time = 1s;
    site.machine_under.set_behaviour(how);
    co_await site.crash();
    co_await site.start();
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready);
    CHECK(container(site, id).message.empty());
    CHECK(site.start_count(id) == 1);
}

/// The main container ignores its signal: the sidecar has its own all the same.
awaitable<> sidecar_is_told(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("main:1", ends_slowly(1h));
    site.machine_under.set_behaviour("side:1", ends_slowly(1s));
    auto const id = co_await site.run(pod(R"("terminationGracePeriodSeconds":3,"restartPolicy":"Never",
            "initContainers":[{"name":"side","image":"side:1","restartPolicy":"Always"}],
            "containers":[{"name":"main","image":"main:1"}])"));
    co_await site.until_state(id, instance_state::running);
    auto const before = site.time().now();
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.time().now() - before >= 4s);  // 3 s of main, and 1 s in which side ends by itself
    CHECK(site.time().now() - before < 5s);
}

}  // namespace

TEST_CASE("a restart in place is finished by the next agent, and counts when it is done", "[sim][node]") {
    simulate(restart_outlives_its_agent);
}
TEST_CASE("half a restart in place is finished by the next agent", "[sim][node]") {
    simulate(half_a_restart_is_finished);
}
TEST_CASE("what ends for a restart while no agent is there starts again, whatever the policy", "[sim][node]") {
    simulate(restart_ends_unseen);
}
TEST_CASE("an end that a probe has begun is finished by the next agent", "[sim][node]") {
    simulate(end_by_probe_outlives_its_agent);
}
TEST_CASE("what a probe ends is no success, although it exits with 0", "[sim][node]") {
    simulate(ended_by_probe_is_no_success);
}
TEST_CASE("a sidecar whose image is missing is tried again in a Pod that never restarts", "[sim][node]") {
    simulate(sidecar_cannot_be_pulled);
}
TEST_CASE("a sidecar that cannot start is tried again in a Pod that never restarts", "[sim][node]") {
    simulate(sidecar_cannot_be_started);
}
TEST_CASE("a container tells what its probe says now", "[sim][node]") { simulate(probe_says_something_else); }
TEST_CASE("a container whose postStart hook hangs says so, also to the next agent", "[sim][node]") {
    simulate(hook_hangs);
}
TEST_CASE("a sidecar gets its stop signal although the main container has used up the grace", "[sim][node]") {
    simulate(sidecar_is_told);
}
