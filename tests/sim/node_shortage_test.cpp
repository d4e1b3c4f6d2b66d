// A machine that is short of something for a while: no Pod fails for good because of it.
#include "node_support.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr auto pod = R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Never","containers":[
    {"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}})";

error const shortage{errc::exhausted, "program /usr/bin/runc: cannot be started: Too many open files"};

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

sim::image_behaviour fails_to_start() {
    sim::image_behaviour how;
    how.start_error = shortage;
    return how;
}

sim::image_behaviour fails_to_come() {
    sim::image_behaviour how;
    how.pull_error = shortage;
    return how;
}

/// As long as it lasts the Pod says what is missing; then it starts, and only once.
awaitable<> lasts_a_while(node_site& site, instance_id id, std::string reason) {
    co_await site.time().sleep_for(10min);
    auto const status = site.status(id);
    CHECK(status.state == instance_state::creating);
    CHECK(status.reason == reason);
    CHECK(status.message.find("Too many open files") != std::string::npos);
    CHECK_FALSE(status.ready);
}

awaitable<> second_container_cannot_start(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("b:1", fails_to_start());
    auto const id = co_await site.run(pod);
    co_await lasts_a_while(site, id, "StartFailed");
    site.machine_under.set_behaviour("b:1", sim::image_behaviour());
    co_await site.until_state(id, instance_state::running);
    CHECK(site.status(id).ready);
    CHECK(site.machine_under.running().size() == 2);
}

awaitable<> network_cannot_be_attached(node_site& site) {
    co_await site.start();
    site.machine_under.faults.attach_error = shortage;
    auto const id = co_await site.run(pod);
    co_await lasts_a_while(site, id, "NetworkFailed");
    site.machine_under.faults.attach_error.reset();
    co_await site.until_state(id, instance_state::running);
    CHECK(site.machine_under.attached().size() == 1);
}

awaitable<> tool_cannot_be_started(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", fails_to_come());
    auto const id = co_await site.run(pod);
    co_await lasts_a_while(site, id, "ImagePullFailed");
    site.machine_under.set_behaviour("a:1", sim::image_behaviour());
    co_await site.until_state(id, instance_state::running);
}

awaitable<> destroyed_meanwhile(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("b:1", fails_to_start());
    auto const id = co_await site.run(pod);
    co_await site.time().sleep_for(10min);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> restarted_meanwhile(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("b:1", fails_to_start());
    auto const id = co_await site.run(pod);
    co_await site.time().sleep_for(10min);
    co_await site.crash();
    co_await site.start();
    co_await lasts_a_while(site, id, "StartFailed");
    site.machine_under.set_behaviour("b:1", sim::image_behaviour());
    co_await site.until_state(id, instance_state::running);
}

/// What is wrong and stays so still fails at once.
awaitable<> other_errors_fail(node_site& site) {
    co_await site.start();
    sim::image_behaviour wrong;
    wrong.start_error = error{errc::invalid, "exec: no such file"};
    site.machine_under.set_behaviour("b:1", wrong);
    auto const id = co_await site.run(pod);
    co_await site.until_state(id, instance_state::failed);
}

}  // namespace

TEST_CASE("a start for which the machine lacks something is tried again", "[sim][node]") {
    simulate(second_container_cannot_start);
    simulate(network_cannot_be_attached);
    simulate(tool_cannot_be_started);
}
TEST_CASE("such an instance can be destroyed, and its agent can be restarted", "[sim][node]") {
    simulate(destroyed_meanwhile);
    simulate(restarted_meanwhile);
}
TEST_CASE("a start that is wrong is not tried again", "[sim][node]") { simulate(other_errors_fail); }
