// Pods that stay alive: restarts and their delays, order of starts and ends, probes, hooks, what survives an agent.
#include "node_support.hpp"

#include <support/catch.hpp>

#include <algorithm>

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

sim::image_behaviour ends_after(duration length, int code = 0) {
    sim::image_behaviour how;
    how.runs_for = length;
    how.exit_code = code;
    return how;
}

container_status container(node_site const& site, instance_id id, std::string_view name = "main") {
    for (auto const& each : site.status(id).containers)
        if (each.name == name) return each;
    throw std::runtime_error("there is no such container");
}

/// When the attempts of a container began.
std::vector<time_point> starts_of(node_site const& site, std::string_view name = "main") {
    std::vector<time_point> all;
    for (auto const& each : site.machine_under.starts())
        if (each.key.name == name) all.push_back(each.at);
    return all;
}

std::vector<std::string> names_started(node_site const& site) {
    std::vector<std::string> all;
    for (auto const& each : site.machine_under.starts()) all.push_back(each.key.name);
    return all;
}

awaitable<> crash_loop(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s, 3));
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(90s);
    auto const starts = starts_of(site);
    REQUIRE(starts.size() == 5);
    CHECK(starts[1] - starts[0] <= 1s + 40ms);
    CHECK(starts[2] - starts[1] == 1s + 10s + 20ms);  // 20 ms to start
    CHECK(starts[3] - starts[2] == 1s + 20s + 20ms);
    CHECK(starts[4] - starts[3] == 1s + 40s + 20ms);
    auto const seen = container(site, id);
    CHECK(seen.state == container_state::waiting);
    CHECK(seen.reason == "CrashLoopBackOff");
    CHECK(seen.restart_count == 5);
    CHECK(seen.starts_at.has_value());
    REQUIRE(seen.last.has_value());
    CHECK(seen.last->exit_code == 3);
    CHECK(site.status(id).state == instance_state::running);
    CHECK(site.status(id).reason == "CrashLoopBackOff");
    CHECK_FALSE(site.status(id).ready);
    auto healed = ends_after(1s);
    healed.runs_for.reset();
    site.machine_under.set_behaviour(healed);
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready, 3min);
    CHECK(container(site, id).restart_count == 5);
    CHECK(site.machine_under.running().size() == 1);
}

awaitable<> ends_by_its_policy(node_site& site, std::string restart, int code, std::size_t starts,
                               instance_state state) {
    co_await site.start();
    auto how = ends_after(1s, code);
    how.ends_before_attempt = 1;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone(std::move(restart)));
    co_await site.time().sleep_for(10s);
    CHECK(site.start_count(id) == starts);
    CHECK(site.status(id).state == state);
}

constexpr auto in_order = R"("restartPolicy":"Never","initContainers":[{"name":"first","image":"brief:1"},
    {"name":"side","image":"side:1","restartPolicy":"Always"},{"name":"second","image":"brief:1"}],
    "containers":[{"name":"main","image":"main:1"}])";

awaitable<> starts_in_order(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("brief:1", ends_after(2s));
    site.machine_under.set_behaviour("main:1", ends_after(5s));
    auto const id = co_await site.run(pod(in_order));
    co_await site.time().sleep_for(1s);
    CHECK(site.status(id).state == instance_state::creating);
    CHECK(site.status(id).reason == "Initializing");
    CHECK(container(site, id).reason == "PodInitializing");
    CHECK(container(site, id, "first").role == container_role::init);
    CHECK_FALSE(site.status(id).initialized_at.has_value());
    co_await site.until_state(id, instance_state::running);
    CHECK(names_started(site) == std::vector<std::string>{"first", "side", "second", "main"});
    CHECK(site.status(id).initialized_at.has_value());
    CHECK(site.status(id).ready);
    CHECK(container(site, id, "first").ready);
    co_await site.until_state(id, instance_state::succeeded);
    CHECK(container(site, id, "side").exit_code == 143);
}

awaitable<> init_fails(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("brief:1", ends_after(1s, 5));
    auto const id = co_await site.run(pod(in_order));
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).message == "container first: exited with 5");
    CHECK(container(site, id).reason == "PodFailed");
    CHECK(site.machine_under.occupied().empty());
}

constexpr auto http = R"(,"readinessProbe":{"httpGet":{"port":80},"periodSeconds":2,"failureThreshold":2})";

awaitable<> becomes_ready(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.answers = {{0s, false}, {5s, true}, {20s, false}, {30s, true}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", http));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(3s);
    CHECK_FALSE(site.status(id).ready);
    CHECK(container(site, id).message == "its readiness probe failed: http :80/: HTTP 503");
    auto const messages = site.status(id).seq;
    co_await site.time().sleep_for(5s);
    CHECK(site.status(id).ready);
    CHECK(site.status(id).seq <= messages + 2);  // not one for each probe
    CHECK(container(site, id).message == "");
    co_await site.time().sleep_for(18s);
    CHECK_FALSE(site.status(id).ready);
    co_await site.time().sleep_for(10s);
    CHECK(site.status(id).ready);
    CHECK(site.start_count(id) == 1);
}

awaitable<> is_restarted_by_its_probe(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.answers = {{10s, false}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(
        lone("Always", R"(,"livenessProbe":{"exec":{"command":["check"]},"periodSeconds":1,"failureThreshold":3})"));
    co_await site.time().sleep_for(20s);
    CHECK(site.start_count(id) == 2);
    auto const seen = container(site, id);
    REQUIRE(seen.last.has_value());
    CHECK(seen.last->message.find("was stopped because its liveness probe failed: exec check: exited with 1; exited") !=
          std::string::npos);
}

awaitable<> slow_start_is_spared(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.answers = {{0s, false}, {30s, true}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", R"(,"livenessProbe":{"tcpSocket":{"port":80},"periodSeconds":1},
        "startupProbe":{"tcpSocket":{"port":80},"periodSeconds":5,"failureThreshold":10})"));
    co_await site.time().sleep_for(28s);
    CHECK_FALSE(container(site, id).started);
    CHECK_FALSE(site.status(id).ready);
    co_await site.time().sleep_for(10s);
    CHECK(container(site, id).started);
    CHECK(site.status(id).ready);
    CHECK(site.start_count(id) == 1);
}

awaitable<> hooks_run(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.exec_time = 3s;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", R"(,"lifecycle":{"postStart":{"exec":{"command":["up"]}},
        "preStop":{"sleep":{"seconds":7}}})"));
    co_await site.time().sleep_for(2s);
    CHECK_FALSE(container(site, id).started);
    co_await site.time().sleep_for(3s);
    CHECK(site.status(id).ready);
    auto const before = site.time().now();
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.time().now() - before >= 7s);
    CHECK(site.time().now() - before < 8s);
}

awaitable<> hook_fails(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.exec_exit_codes = {{"up", 4}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Never", R"(,"lifecycle":{"postStart":{"exec":{"command":["up"]}}})"));
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).message.find("its postStart hook failed: exited with 4") != std::string::npos);
}

/// It ends by itself while its hook runs, which is no fault of the hook.
awaitable<> ends_during_its_hook(node_site& site) {
    co_await site.start();
    auto how = ends_after(2s, 5);
    how.exec_time = 100s;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Never", R"(,"lifecycle":{"postStart":{"exec":{"command":["up"]}}})"));
    co_await site.until_state(id, instance_state::failed);
    CHECK(container(site, id).exit_code == 5);
    CHECK(site.status(id).message.find("hook") == std::string::npos);
}

awaitable<> memory_survives(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s, 3));
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(20s);  // it waits 20 s now
    REQUIRE(starts_of(site).size() == 3);
    auto const due_at = starts_of(site).back() + 1s + 20s;
    co_await site.crash();
    co_await site.time().sleep_for(5s);
    co_await site.start();
    co_await site.time().sleep_for(20s);
    auto const starts = starts_of(site);
    REQUIRE(starts.size() == 4);
    CHECK(starts.back() >= due_at);
    CHECK(starts.back() <= due_at + 100ms);
    co_await site.time().sleep_for(3s);
    CHECK(container(site, id).restart_count == 4);
    CHECK(site.machine_under.attached().contains(id));
}

/// The container exits while no agent is there, and has waited long enough when one comes.
awaitable<> exits_unseen(node_site& site) {
    co_await site.start();
    auto how = ends_after(30s, 3);
    how.ends_before_attempt = 1;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    co_await site.time().sleep_for(1min);
    co_await site.start();
    std::function<bool()> is_ready = [&] { return site.status(id).ready && container(site, id).restart_count == 1; };
    co_await site.until(is_ready);
    auto const seen = container(site, id);
    CHECK(seen.restart_count == 1);
    REQUIRE(seen.last.has_value());
    CHECK(seen.last->exit_code == 3);
}

/// The agent dies after it has begun another attempt, and before it could write that.
awaitable<> attempt_was_not_written(node_site& site) {
    co_await site.start();
    auto how = ends_after(1s, 3);
    how.ends_before_attempt = 1;
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    site.fail_disk();
    co_await site.time().sleep_for(5s);
    REQUIRE(site.start_count(id) == 2);
    co_await site.stop();
    co_await site.start();
    std::function<bool()> is_ready = [&] { return site.status(id).ready && container(site, id).restart_count == 1; };
    co_await site.until(is_ready);
    CHECK(container(site, id).restart_count == 1);
    CHECK(site.start_count(id) == 2);
}

awaitable<> machine_reboots(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.machine_under.power_off();
    site.forget(id);  // no scheduler tells of it
    co_await site.start();
    std::function<bool()> is_ready = [&] { return site.status(id).ready && container(site, id).restart_count == 1; };
    co_await site.until(is_ready);
    CHECK(container(site, id).restart_count == 1);
    CHECK(site.machine_under.running().size() == 1);
    CHECK(site.machine_under.running().front().attempt == 1);
}

awaitable<> restarts_in_place(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(lone("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.restart(id);
    std::function<bool()> is_obeyed = [&] { return site.status(id).restarts == 1 && site.status(id).ready; };
    co_await site.until(is_obeyed);
    std::function<bool()> is_second = [&] { return container(site, id).restart_count == 1 && site.status(id).ready; };
    co_await site.until(is_second);
    CHECK(site.start_count(id) == 2);
    CHECK(container(site, id).last->message.find("a restart was asked for") != std::string::npos);
    co_await site.stop();
    co_await site.start();  // the order comes again
    co_await site.time().sleep_for(10s);
    CHECK(site.start_count(id) == 2);
    CHECK(site.status(id).addresses.size() == 1);
}

awaitable<> namespace_is_gone(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    auto const before = site.status(id).addresses;
    site.machine_under.faults.attach_error = error{errc::not_found, "no such namespace"};
    site.machine_under.cut_off(id);
    co_await site.time().sleep_for(11s);
    site.machine_under.faults.attach_error.reset();
    std::function<bool()> is_anew = [&] { return site.status(id).ready && container(site, id).restart_count == 1; };
    co_await site.until(is_anew);
    CHECK(site.machine_under.attached().contains(id));
    CHECK(site.status(id).addresses == before);
    CHECK(site.machine_under.running().size() == 1);
}

awaitable<> image_comes_late(node_site& site) {
    co_await site.start();
    sim::image_behaviour missing;
    missing.pull_error = error{errc::unavailable, "the registry is away"};
    site.machine_under.set_behaviour(missing);
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(2s);
    CHECK(container(site, id).reason == "ErrImagePull");
    CHECK(site.status(id).reason == "ImagePullFailed");
    co_await site.time().sleep_for(20s);
    CHECK(container(site, id).reason == "ImagePullBackOff");
    CHECK(site.status(id).state == instance_state::creating);
    site.machine_under.set_behaviour({});
    co_await site.until_state(id, instance_state::running);
    CHECK(container(site, id).restart_count == 0);
}

awaitable<> program_is_missing(node_site& site) {
    co_await site.start();
    sim::image_behaviour wrong;
    wrong.start_error = error{errc::invalid, "exec: no such file"};
    site.machine_under.set_behaviour(wrong);
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(5s);
    CHECK(container(site, id).reason == "RunContainerError");
    CHECK(container(site, id).restart_count == 2);
    CHECK(site.status(id).state == instance_state::creating);
    site.machine_under.set_behaviour({});
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready);
}

awaitable<> volume_is_full(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod(R"("restartPolicy":"Always","volumes":[{"name":"scratch",
        "emptyDir":{"sizeLimit":"1Mi"}}],"containers":[{"name":"main","image":"main:1",
        "volumeMounts":[{"name":"scratch","mountPath":"/scratch"}]}])"));
    co_await site.until_state(id, instance_state::running);
    CHECK(site.machine_under.find_sandbox(id)->volumes.size() == 1);
    co_await site.time().sleep_for(30s);
    CHECK(site.status(id).state == instance_state::running);
    sim::image_behaviour writer;
    writer.volume_bytes = 2 << 20;
    site.machine_under.set_behaviour(writer);
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).reason == "Evicted");
    CHECK(site.status(id).message == "volume scratch holds 2Mi, and its sizeLimit is 1Mi");
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> destroyed_while_it_waits(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s, 3));
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(20s);
    auto const before = site.time().now();
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.time().now() - before < 1s);
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> removal_is_slow(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s, 3));
    site.machine_under.faults.removal_time = 5s;
    auto const id = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(3s);
    auto const starts = starts_of(site);
    REQUIRE(starts.size() == 2);
    CHECK(starts[1] - starts[0] <= 1s + 40ms);
    CHECK(container(site, id).restart_count == 2);
}

awaitable<> starts_go_first(node_site& site) {
    co_await site.start();
    auto const old = co_await site.run(lone("Always"));
    co_await site.until_state(old, instance_state::running);
    site.machine_under.faults.start_time = 100ms;
    auto const young = co_await site.run(lone("Always"));
    co_await site.time().sleep_for(50ms);  // it starts by now
    co_await site.destroy(old);
    std::function<bool()> is_gone = [&] { return site.is_gone(old); };
    co_await site.until(is_gone, 100ms);
    CHECK(site.start_count(young) == 1);
}

awaitable<> starts_never_end(node_site& site) {
    co_await site.start();
    auto const old = co_await site.run(lone("Always"));
    co_await site.until_state(old, instance_state::running);
    site.machine_under.faults.start_time = 1h;
    co_await site.run(lone("Always"));
    co_await site.time().sleep_for(50ms);
    co_await site.destroy(old);
    co_await site.time().sleep_for(200ms);
    CHECK_FALSE(site.is_gone(old));
    std::function<bool()> is_gone = [&] { return site.is_gone(old); };
    co_await site.until(is_gone, 100ms);
}

awaitable<std::string> log_of(node_site& site, instance_id id, bool is_of_previous) {
    container_log_call call{.instance = id, .container = "main"};
    call.how.is_of_previous = is_of_previous;
    auto const asked = co_await site.ask_for(std::move(call));
    auto stream = co_await site.streams.expect(asked);
    if (!stream) co_return to_string(stream.error());
    auto const text = co_await (*stream)->read();
    co_return text ? *text : to_string(text.error());
}

awaitable<> logs_of_attempts(node_site& site) {
    co_await site.start();
    auto how = ends_after(1s, 3);
    how.ends_before_attempt = 1;
    how.output = "first\n";
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always"));
    co_await site.until_state(id, instance_state::running);
    auto const none = co_await log_of(site, id, true);
    CHECK(none.find("was not restarted") != std::string::npos);
    co_await site.time().sleep_for(1200ms);
    how.output = "second\n";
    site.machine_under.set_behaviour(how);
    auto const before = co_await log_of(site, id, true);
    CHECK(before == "first\n");
    auto const now = co_await log_of(site, id, false);
    CHECK(now == "second\n");
}

/// The main container goes first; the sidecar may take its time then.
awaitable<> destroyed_in_order(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour("brief:1", ends_after(1s));
    sim::image_behaviour slow;
    slow.stop_time = 3s;
    site.machine_under.set_behaviour("main:1", slow);
    site.machine_under.set_behaviour("side:1", slow);
    auto const id = co_await site.run(pod(in_order));
    co_await site.until_state(id, instance_state::running);
    co_await site.destroy(id);
    co_await site.time().sleep_for(4s);
    REQUIRE(site.machine_under.running().size() == 1);
    CHECK(site.machine_under.running().front().name == "side");
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> probes_are_taken_over(node_site& site) {
    co_await site.start();
    sim::image_behaviour how;
    how.answers = {{20s, false}};
    site.machine_under.set_behaviour(how);
    auto const id = co_await site.run(lone("Always", http));
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready);
    co_await site.crash();
    co_await site.time().sleep_for(5s);
    co_await site.start();
    co_await site.time().sleep_for(1s);
    CHECK(site.status(id).ready);  // as it was, until a probe says otherwise
    CHECK(site.status(id).reason == "TakenOver");
    co_await site.time().sleep_for(20s);
    CHECK_FALSE(site.status(id).ready);
    CHECK(site.start_count(id) == 1);
}

constexpr char const* a_function = R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{
    "execution":{"rootfs":"http://images.test/f.ext4","command":["/bin/serve"]},"exposure":{"targetPort":81}}}})";

awaitable<> runs_a_function(node_site& site) {
    site.offers_microvms = true;
    co_await site.start();
    auto const id = co_await site.run(a_function, 45'123);
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready);
    CHECK(site.machine_under.is_microvm(id));
    CHECK(site.status(id).containers.at(0).name == "function");
    auto const* const made_from = site.machine_under.find_request({id, "function", 0});
    REQUIRE(made_from != nullptr);
    CHECK(made_from->definition.command == std::vector<std::string>{"/bin/serve"});
    REQUIRE(site.machine_under.find_attachment(id) != nullptr);
    CHECK(site.machine_under.find_attachment(id)->host_ports ==
          std::vector<container_port>{{.name = "", .port = 81, .host_port = 45'123}});

    co_await site.crash();
    co_await site.start();
    co_await site.time().sleep_for(5s);
    CHECK(site.status(id).ready);
    CHECK(site.start_count(id) == 1);
    REQUIRE(site.machine_under.find_attachment(id) != nullptr);
    CHECK(site.machine_under.find_attachment(id)->host_ports.at(0).host_port == 45'123);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> runtime_is_missing(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(
        R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{
            "execution":{"rootfs":"http://images.test/f.ext4"}}}})");
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).message == "its node has no runtime 'microvm'");
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
}

}  // namespace

TEST_CASE("a Function runs as a microVM, reached at the port that was chosen", "[sim][node]") {
    simulate(runs_a_function);
}
TEST_CASE("a container that ends again and again is restarted at once, then after 10, 20, 40 s", "[sim][node]") {
    simulate(crash_loop);
}
TEST_CASE("what ends is restarted if its policy says so", "[sim][node]") {
    struct row {
        std::string restart;
        int code;
        std::size_t starts;
        instance_state state;
    };
    for (auto const& each :
         {row{"Always", 0, 2, instance_state::running}, row{"Always", 3, 2, instance_state::running},
          row{"OnFailure", 3, 2, instance_state::running}, row{"OnFailure", 0, 1, instance_state::succeeded},
          row{"Never", 0, 1, instance_state::succeeded}, row{"Never", 3, 1, instance_state::failed}}) {
        INFO(each.restart << " " << each.code);
        sim::world world(7);
        node_site site(world);
        world.run(ends_by_its_policy(site, each.restart, each.code, each.starts, each.state));
    }
}
TEST_CASE("init containers and sidecars start in order, and sidecars end last", "[sim][node]") {
    simulate(starts_in_order);
}
TEST_CASE("a Pod whose init container fails for good has failed", "[sim][node]") { simulate(init_fails); }
TEST_CASE("a Pod is ready while its readiness probes succeed", "[sim][node]") { simulate(becomes_ready); }
TEST_CASE("a container whose liveness probe fails is restarted", "[sim][node]") { simulate(is_restarted_by_its_probe); }
TEST_CASE("until the startup probe succeeds no other probe is made", "[sim][node]") { simulate(slow_start_is_spared); }
TEST_CASE("hooks run after the start and before the stop", "[sim][node]") { simulate(hooks_run); }
TEST_CASE("a container whose postStart hook fails is ended", "[sim][node]") { simulate(hook_fails); }
TEST_CASE("a container that ends while its postStart hook runs has ended by itself", "[sim][node]") {
    simulate(ends_during_its_hook);
}
TEST_CASE("restart counts and what is left of a delay survive the agent", "[sim][node]") { simulate(memory_survives); }
TEST_CASE("an exit that no agent saw counts, with its code", "[sim][node]") { simulate(exits_unseen); }
TEST_CASE("an attempt that was not written is known by its container", "[sim][node]") {
    simulate(attempt_was_not_written);
}
TEST_CASE("after a reboot a Pod starts again without a scheduler", "[sim][node]") { simulate(machine_reboots); }
TEST_CASE("a restart that was asked for happens once, whatever the policy", "[sim][node]") {
    simulate(restarts_in_place);
}
TEST_CASE("a Pod whose network namespace is gone is made anew if its policy restarts", "[sim][node]") {
    simulate(namespace_is_gone);
}
TEST_CASE("an image that cannot be pulled is tried again where the policy restarts", "[sim][node]") {
    simulate(image_comes_late);
}
TEST_CASE("a program that cannot be started is tried again where the policy restarts", "[sim][node]") {
    simulate(program_is_missing);
}
TEST_CASE("a Pod whose volume is too full is evicted", "[sim][node]") { simulate(volume_is_full); }
TEST_CASE("a Pod that waits for its restart is destroyed at once", "[sim][node]") {
    simulate(destroyed_while_it_waits);
}
TEST_CASE("an instance whose runtime its node lacks fails and says so", "[sim][node]") { simulate(runtime_is_missing); }
TEST_CASE("a slow removal of what has ended delays no restart", "[sim][node]") { simulate(removal_is_slow); }
TEST_CASE("a removal lets what starts go first", "[sim][node]") { simulate(starts_go_first); }
TEST_CASE("a removal does not wait for starts that never end", "[sim][node]") { simulate(starts_never_end); }
TEST_CASE("the logs of an attempt and of the one before can be read", "[sim][node]") { simulate(logs_of_attempts); }
TEST_CASE("a Pod that is destroyed ends its sidecars last", "[sim][node]") { simulate(destroyed_in_order); }
TEST_CASE("what probes have said survives the agent", "[sim][node]") { simulate(probes_are_taken_over); }
