// How a Pod ends: what it says meanwhile, how its containers are stopped, and what is known of that after a reboot.
#include "node_support.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

std::string pod(std::string restart) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":")" + restart +
           R"(","containers":[{"name":"main","image":"main:1"}]}})";
}

std::string pair(std::string grace_seconds) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Never","terminationGracePeriodSeconds":)" +
           grace_seconds + R"(,"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}})";
}

/// When a has ended, b is stopped.
std::string with_sidecar(std::string grace_seconds) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Never","terminationGracePeriodSeconds":)" +
           grace_seconds + R"(,"initContainers":[{"name":"b","image":"b:1","restartPolicy":"Always"}],)" +
           R"("containers":[{"name":"a","image":"a:1"}]}})";
}

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

sim::image_behaviour ends_after(duration length, int code) {
    sim::image_behaviour how;
    how.runs_for = length;
    how.exit_code = code;
    return how;
}

sim::image_behaviour stops_in(duration length) {
    sim::image_behaviour how;
    how.stop_time = length;
    return how;
}

container_status const& container(instance_status const& of, std::string_view name) {
    for (auto const& each : of.containers)
        if (each.name == name) return each;
    throw std::runtime_error("there is no such container");
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

awaitable<> ending_is_not_ready(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 1));
    site.machine_under.set_behaviour("b:1", stops_in(20s));
    auto const id = co_await site.run(with_sidecar("30"));
    co_await site.until_state(id, instance_state::running);
    CHECK(site.status(id).ready);
    co_await site.time().sleep_for(5s);
    auto const status = site.status(id);
    CHECK(status.state == instance_state::running);  // it holds its room yet
    CHECK_FALSE(status.ready);
    CHECK(status.reason == "Ending");
    CHECK(has(status.message, "container a: exited with 1"));
    CHECK(container(status, "b").state == container_state::running);
    CHECK(has(container(status, "b").message, "container a: exited with 1"));
    co_await site.until_state(id, instance_state::failed);
}

/// What is said of `id` until it has ended, each thing once.
awaitable<std::vector<instance_status>> told_until_end(node_site& site, instance_id id) {
    std::vector<instance_status> told;
    std::function<bool()> const has_ended = [&] {
        auto const now = site.status(id);
        if (told.empty() || told.back().seq != now.seq) told.push_back(now);
        return is_finished(now.state);
    };
    co_await site.until(has_ended);
    co_return told;
}

/// The disk is slow, so that what is said in between is not heard.
awaitable<> ends_at_once(node_site& site) {
    site.flush_time = 50ms;
    co_await site.start();
    site.machine_under.set_behaviour("main:1", ends_after(1ms, 3));
    auto const id = co_await site.run(pod("Never"));
    auto const told = co_await told_until_end(site, id);
    for (auto const& each : told)
        if (each.reason == "Started") CHECK(has(each.message, "all containers run"));
    CHECK(told.back().reason == "Error");
    CHECK(told.back().message == "container main: exited with 3");
}

/// The second image is not there, the third container would have been next.
awaitable<> containers_that_never_started(node_site& site) {
    co_await site.start();
    sim::image_behaviour missing;
    missing.pull_error = error{errc::not_found, "image b:1: the registry does not have it"};
    site.machine_under.set_behaviour("b:1", missing);
    auto const id = co_await site.run(pair("30"));
    co_await site.until_state(id, instance_state::failed);
    auto const status = site.status(id);
    CHECK(container(status, "a").state == container_state::waiting);
    CHECK(container(status, "a").reason == "PodFailed");
    CHECK(container(status, "a").message == "did not start: its Pod has failed");
    CHECK(container(status, "b").reason == "ErrImagePull");
    CHECK(status.reason == "ImagePullFailed");
}

/// The first container runs, the second cannot be started; the agent is another one when the end is told.
awaitable<> containers_that_never_started_later(node_site& site) {
    co_await site.start();
    sim::image_behaviour broken;
    broken.start_error = error{errc::invalid, "exec: no-such-program"};
    site.machine_under.set_behaviour("a:1", stops_in(5s));
    site.machine_under.set_behaviour("b:1", broken);
    auto const id = co_await site.run(
        R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"a:1"},)"
        R"({"name":"b","image":"b:1"},{"name":"c","image":"c:1"}]}})");
    co_await site.time().sleep_for(3s);
    co_await site.crash();
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    auto const status = site.status(id);
    CHECK(container(status, "a").reason == "Stopped");
    CHECK(container(status, "b").reason == "RunContainerError");
    CHECK(container(status, "c").reason == "PodFailed");
}

awaitable<> one_of_two_is_done(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 0));
    auto const id = co_await site.run(pair("30"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(5s);
    auto const status = site.status(id);
    CHECK(status.state == instance_state::running);
    CHECK_FALSE(status.ready);
    CHECK(has(status.message, "1 of 2 containers"));
    CHECK(container(status, "a").exit_code == 0);
    CHECK(container(status, "b").state == container_state::running);
}

void is_stopped_because_of_a(instance_status const& status) {
    CHECK(status.reason == "Error");
    CHECK(status.message == "container a: exited with 3");
    CHECK(container(status, "a").reason == "Error");
    CHECK(container(status, "a").message == "exited with 3");
    CHECK(container(status, "b").reason == "Stopped");
    CHECK(container(status, "b").exit_code == 143);
    CHECK(has(container(status, "b").message, "container a: exited with 3"));
    CHECK(has(container(status, "b").message, "exited with 143"));
}

awaitable<> stopped_says_why(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 3));
    auto const id = co_await site.run(with_sidecar("30"));
    co_await site.until_state(id, instance_state::failed);
    is_stopped_because_of_a(site.status(id));
}

/// The agent is not there while b stops.
awaitable<> stopped_says_why_later(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 3));
    site.machine_under.set_behaviour("b:1", stops_in(2s));
    auto const id = co_await site.run(with_sidecar("30"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(2s);
    co_await site.crash();
    co_await site.time().sleep_for(5s);
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    is_stopped_because_of_a(site.status(id));
}

awaitable<> not_started_stops_the_rest(node_site& site) {
    co_await site.start();
    sim::image_behaviour broken;
    broken.start_error = error{errc::invalid, "no such program", "command", "give a command"};
    site.machine_under.set_behaviour("b:1", broken);
    auto const id = co_await site.run(pair("30"));
    co_await site.until_state(id, instance_state::failed);
    auto const status = site.status(id);
    CHECK(status.reason == "StartFailed");
    CHECK(status.message == "command: container b: no such program (give a command)");
    CHECK(container(status, "a").reason == "Stopped");
    CHECK(container(status, "b").reason == "RunContainerError");
    CHECK(container(status, "b").state == container_state::waiting);
}

awaitable<> signal_is_late(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 3));
    site.machine_under.set_behaviour("b:1", stops_in(1s));
    auto const id = co_await site.run(with_sidecar("2"));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.stop_delay = 3s;
    co_await site.until_state(id, instance_state::failed);
    CHECK(container(site.status(id), "b").exit_code == 143);
}

awaitable<> signal_fails_at_first(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("a:1", ends_after(1s, 3));
    site.machine_under.set_behaviour("b:1", stops_in(1s));
    auto const id = co_await site.run(with_sidecar("5"));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.stop_error = error{errc::exhausted, "too many open files"};
    co_await site.time().sleep_for(4s);
    site.machine_under.faults.stop_error.reset();
    co_await site.until_state(id, instance_state::failed);
    CHECK(container(site.status(id), "b").exit_code == 143);
}

awaitable<> signal_always_fails(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pair("5"));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.stop_error = error{errc::exhausted, "too many open files"};
    auto const before = site.time().now();
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.time().now() - before < 30s);
    CHECK(site.machine_under.occupied().empty());
}

/// What came of an instance whose container exits with `code` while no agent is there, and whose machine is off then.
struct aftermath {
    instance_state state;
    std::string reason;
    std::size_t start_count;
};

awaitable<> completes_unseen(node_site& site, std::string restart, int code, aftermath& into) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(3s, code));
    auto const id = co_await site.run(pod(std::move(restart)));
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    co_await site.time().sleep_for(10s);
    site.machine_under.power_off();
    site.machine_under.set_behaviour({});
    co_await site.start();
    co_await site.time().sleep_for(10s);
    into = {site.status(id).state, site.status(id).reason, site.start_count(id)};
    if (is_finished(into.state)) CHECK(site.machine_under.occupied().empty());
}

aftermath after_reboot(std::string restart, int code) {
    sim::world world(7);
    node_site site(world);
    aftermath seen;
    world.run(completes_unseen(site, std::move(restart), code, seen));
    return seen;
}

awaitable<> network_ends_during_repair(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(10s, 0));
    auto const id = co_await site.run(pod("OnFailure"));
    co_await site.until_state(id, instance_state::running);
    auto const began = site.time().now();
    co_await site.stop();
    auto const detached = co_await site.machine_under.detach(id);
    CHECK(detached.has_value());
    site.machine_under.faults.attach_error = error{errc::internal, "no more links"};
    site.machine_under.faults.attach_time = 1s;
    co_await site.time().sleep_until(began + 9500ms);
    co_await site.start();  // it tries until 10.5 s; the container exits meanwhile
    co_await site.until_state(id, instance_state::succeeded);
    CHECK(site.time().now() - began < 11s);
}

constexpr char const* with_port =
    R"({"apiVersion":"v1","kind":"Pod","name":"edge","spec":{"restartPolicy":"Never","containers":[{
    "name":"main","image":"main:1","ports":[{"containerPort":80,"hostPort":8080}]}]}})";

enum class leaving_by { order, itself };

/// A new agent takes the Pod off the network and removes the rest of it; then the network can be opened.
awaitable<> network_opens_late(node_site& site, leaving_by how) {
    co_await site.start();
    auto const id = co_await site.run(with_port);
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    site.machine_under.faults.removal_time = 1s;
    site.machine_under.faults.open_error = error{errc::conflict, "subnet in use by interface br0"};
    container_key const main{id, "main", 0};
    if (how == leaving_by::itself) {
        auto const killed = co_await site.machine_under.kill_container(main);
        CHECK(killed.has_value());
    }
    co_await site.start();
    if (how == leaving_by::order) co_await site.destroy(id);
    std::function<bool()> is_off = [&] { return site.machine_under.attached().empty(); };
    co_await site.until(is_off);
    CHECK(site.machine_under.occupied().contains(id));
    site.machine_under.faults.open_error.reset();
    std::function<bool()> is_removed = [&] { return site.is_gone(id) || is_finished(site.status(id).state); };
    co_await site.until(is_removed);
    co_await site.time().sleep_for(10s);
    CHECK(site.machine_under.attached().empty());
    auto const next = co_await site.run(with_port);
    co_await site.until_state(next, instance_state::running);
}

}  // namespace

TEST_CASE("a Pod that is being removed is not put back on a network that opens late", "[sim][node]") {
    for (auto const how : {leaving_by::order, leaving_by::itself}) {
        sim::world world(7);
        node_site site(world);
        world.run(network_opens_late(site, how));
    }
}
TEST_CASE("a Pod of which a container has failed is not ready, and says why it ends", "[sim][node]") {
    simulate(ending_is_not_ready);
}
TEST_CASE("a Pod of which a container is done runs on, and is not ready", "[sim][node]") {
    simulate(one_of_two_is_done);
}
TEST_CASE("a container that was stopped because another failed says so", "[sim][node]") {
    simulate(stopped_says_why);
    simulate(stopped_says_why_later);
    simulate(not_started_stops_the_rest);
}
TEST_CASE("the grace period begins when the stop signal was sent", "[sim][node]") { simulate(signal_is_late); }
TEST_CASE("a stop signal that cannot be sent is tried again, and not for ever", "[sim][node]") {
    simulate(signal_fails_at_first);
    simulate(signal_always_fails);
}
TEST_CASE("a Pod that completed before a reboot is not failed by it", "[sim][node]") {
    for (std::string const restart : {"Never", "OnFailure"}) {
        INFO(restart);
        auto const seen = after_reboot(restart, 0);
        CHECK(seen.state == instance_state::succeeded);
        CHECK(seen.reason == "Completed");
        CHECK(seen.start_count == 1);
    }
}
TEST_CASE("a Pod that failed before a reboot is told so if it is not started again", "[sim][node]") {
    auto const seen = after_reboot("Never", 3);
    CHECK(seen.state == instance_state::failed);
    CHECK(seen.reason == "Error");
    CHECK(seen.start_count == 1);
}
TEST_CASE("what ends with its machine is started again by its restartPolicy", "[sim][node]") {
    CHECK(after_reboot("Always", 0).start_count == 2);  // a server that obeyed the signal of the shutdown
    CHECK(after_reboot("Always", 143).start_count == 2);
    CHECK(after_reboot("OnFailure", 143).start_count == 2);
}
TEST_CASE("a Pod that ends while it is put back on the network is seen at once", "[sim][node]") {
    simulate(network_ends_during_repair);
}

TEST_CASE("what is said of a Pod that ends at once fits its reason", "[sim][node]") { simulate(ends_at_once); }
TEST_CASE("containers of a Pod that failed before they started say so", "[sim][node]") {
    simulate(containers_that_never_started);
    simulate(containers_that_never_started_later);
}
