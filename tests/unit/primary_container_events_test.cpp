// What a change of an instance's status tells of its containers.
#include <primary/container_events_detail.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace rik;

namespace {

container_status with_reason(std::string reason) { return {.name = "web", .reason = std::move(reason)}; }

container_status running(std::uint32_t attempt, bool is_ready = true) {
    container_status made{.name = "web", .state = container_state::running, .restart_count = attempt};
    made.ready = is_ready;
    return made;
}

instance_status pod(container_status one, instance_state state = instance_state::running) {
    instance_status made{.state = state};
    made.containers.push_back(std::move(one));
    return made;
}

/// "BackOff: container web waits ...", one after the other.
std::vector<std::string> told(instance_status const& before, instance_status const& now) {
    std::vector<std::string> all;
    for (auto const& each : detail::container_events(before, now)) all.push_back(each.reason + ": " + each.message);
    return all;
}
using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a first start and what stays as it is tell nothing") {
    CHECK(told({}, pod(running(0))).empty());
    CHECK(told(pod(running(0)), pod(running(0))).empty());
    CHECK(told(pod(with_reason("CrashLoopBackOff")), pod(with_reason("CrashLoopBackOff"))).empty());
    CHECK(told({}, pod(with_reason("ContainerCreating"))).empty());
}

TEST_CASE("a crash, its back-off and the next start are three events") {
    auto waiting = with_reason("CrashLoopBackOff");
    waiting.last = container_end{.reason = "OOMKilled", .message = "it used 64 MiB", .exit_code = 137};
    CHECK(told(pod(running(0)), pod(waiting)) ==
          texts{"OOMKilled: container web has ended with code 137: it used 64 MiB",
                "BackOff: container web waits before it starts again"});
    auto next = running(1);
    next.last = waiting.last;
    CHECK(told(pod(waiting), pod(next)) == texts{"Started: container web has started"});
    next.last->exit_code = 1;  // one more life that nobody saw
    CHECK(told(pod(waiting), pod(next)).size() == 2);
}

TEST_CASE("an end that was seen is told once, and one between two looks, too") {
    container_status exited{.name = "web", .state = container_state::exited, .reason = "Error"};
    exited.exit_code = 3;
    auto next = running(1);
    next.last = container_end{.reason = "Error", .exit_code = 3};
    texts const start{"Started: container web has started"};
    CHECK(told(pod(running(0)), pod(exited)) == texts{"Error: container web has ended with code 3"});
    CHECK(told(pod(exited), pod(next)) == start);
    CHECK(told(pod(running(0)), pod(next)) ==
          texts{"Error: container web has ended with code 3", "Started: container web has started"});
}

TEST_CASE("what ends with 0 gives no warning, and what ends the instance is told by the instance") {
    container_status done{.name = "web", .role = container_role::init, .state = container_state::exited};
    done.exit_code = 0;
    CHECK(told(pod(running(0)), pod(done)).empty());
    done.exit_code = 1;
    CHECK(told(pod(running(0)), pod(done, instance_state::failed)).empty());
    CHECK(told(pod(running(0)), pod(done, instance_state::destroying)).empty());
}

TEST_CASE("a readiness that goes is told with what the node says of it, one that comes is not") {
    auto unready = running(2, false);
    unready.message = "HTTP 503";
    CHECK(told(pod(running(2)), pod(unready)) == texts{"Unhealthy: container web is not ready any more: HTTP 503"});
    CHECK(told(pod(unready), pod(running(2))).empty());
}

TEST_CASE("a probe that fails from the start is told, and again with other words") {
    auto failing = running(0, false);
    failing.message = "its readiness probe failed: HTTP 503";
    CHECK(told(pod(running(0, false)), pod(failing)) ==
          texts{"Unhealthy: container web: its readiness probe failed: HTTP 503"});
    CHECK(told(pod(failing), pod(failing)).empty());
    auto other = failing;
    other.message = "its readiness probe failed: connection refused";
    CHECK(told(pod(failing), pod(other)).size() == 1);
    other.message = "has not started yet; its postStart hook runs";
    CHECK(told(pod(failing), pod(other)).empty());
}

TEST_CASE("a hook that fails is told once, also while the instance is being destroyed") {
    auto stopping = running(0);
    stopping.reason = "Stopping";
    stopping.message = "is asked to stop";
    auto failed = stopping;
    failed.message += "; its preStop hook failed: exited with 3";
    texts const words{"FailedPreStopHook: container web: its preStop hook failed: exited with 3"};
    CHECK(told(pod(stopping), pod(failed)) == words);
    CHECK(told(pod(stopping, instance_state::destroying), pod(failed, instance_state::destroying)) == words);
    CHECK(told(pod(failed, instance_state::destroying), pod(failed, instance_state::destroying)).empty());
    auto killed = stopping;
    killed.message = "its postStart hook failed: exited with 1";
    CHECK(told(pod(running(0)), pod(killed)) ==
          texts{"FailedPostStartHook: container web: its postStart hook failed: exited with 1",
                "Killing: container web: its postStart hook failed: exited with 1"});
}

TEST_CASE("one that is stopped is not unhealthy") {
    auto stopping = running(0, false);
    stopping.reason = "Stopping";
    stopping.message = "stopped because its liveness probe has failed";
    CHECK(told(pod(running(0)), pod(stopping)) ==
          texts{"Killing: container web: stopped because its liveness probe has failed"});
    CHECK(told(pod(stopping), pod(stopping)).empty());
}

TEST_CASE("a restart that was asked for is no failure") {
    auto next = running(1);
    next.last = container_end{.reason = "Error", .exit_code = 143};
    auto now = pod(next);
    now.restarts = 1;
    CHECK(told(pod(running(0)), now) ==
          texts{"Restarted: its containers are started again, as asked", "Started: container web has started"});
}

TEST_CASE("images that do not come are told, and that they have come") {
    auto failed = with_reason("ErrImagePull");
    failed.message = "no such tag";
    CHECK(told({}, pod(failed)) == texts{"Failed: container web: no such tag"});
    auto const waiting = with_reason("ImagePullBackOff");
    CHECK(told(pod(failed), pod(waiting)) == texts{"BackOff: container web waits before its image is pulled again"});
    auto there = with_reason("ContainerCreating");
    there.image_digest = "sha256:1";
    CHECK(told(pod(waiting), pod(there)) == texts{"Pulled: container web has its image"});
}

TEST_CASE("init containers and sidecars tell their first start") {
    auto first = running(0);
    first.role = container_role::sidecar;
    CHECK(told({}, pod(first)) == texts{"Started: container web has started"});
}
