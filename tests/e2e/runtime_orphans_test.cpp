// A subreaper, as apps/rik is, inherits conmon and what a killed conmon leaves behind. librik reaps them.
#include <rik/async/deadline.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::testing {

using namespace std::chrono_literals;

namespace {

/// While it lives this process is a subreaper.
class subreaper {
public:
    subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
    subreaper(subreaper const&) = delete;
    ~subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
};

bool has_zombie() {
    siginfo_t found{};
    return ::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) == 0 && found.si_pid != 0;
}

bool has_children() { return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0; }

pid_t monitor_of(oci_world const& world, container_key const& key) {
    auto const bundle =
        world.root() / "run/pods" / key.instance.text() / "containers" / (key.name + "-" + std::to_string(key.attempt));
    return std::stoi(read_text(bundle / "conmon.pid"));
}

char state_of(pid_t process) {
    auto const stat = read_text("/proc/" + std::to_string(process) + "/stat");
    return stat.at(stat.rfind(')') + 2);
}

/// Kills the OCI runtime that has a child of this argument; false if there is none yet.
bool kill_one_that_waits_for(std::string const& argument) {
    for (auto const& each : std::filesystem::directory_iterator("/proc")) {
        auto const line = read_text(each.path() / "cmdline");
        if (!line.starts_with(std::string("sleep\0", 6) + argument)) continue;
        auto const stat = read_text(each.path() / "stat");
        auto const parent = std::stoi(stat.substr(stat.rfind(')') + 4));
        return parent > 1 && parent != ::getpid() && ::kill(parent, SIGKILL) == 0;
    }
    return false;
}

/// Waits until it is `state`; false if that takes more than 10 s.
bool becomes(pid_t process, char state) {
    for (int look = 0; look < 1000; ++look) {
        if (state_of(process) == state) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

}  // namespace

TEST_CASE("a subreaper has no zombie of a container that has ended, was stopped or could not start", "[e2e][runtime]") {
    subreaper const inheriting;
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const brief = world.start(world.request(pod, {"true"}, "brief"));
    CHECK(world.wait(brief).code == 0);
    CHECK_FALSE(has_zombie());
    auto const lasting = world.start(world.request(pod, {"sleep", "1000"}, "lasting"));
    world.get(world.runtime().kill_container(lasting));
    world.wait(lasting);
    CHECK_FALSE(has_zombie());
    auto const missing = world.request(pod, {"/no/such/program"}, "missing");
    CHECK(world.failure(world.runtime().start_container(missing)).code == errc::invalid);
    CHECK_FALSE(has_zombie());
    world.start(world.request(pod, {"sleep", "1000"}, "running"));
    world.get(world.runtime().remove_all());
    CHECK_FALSE(has_children());
}

TEST_CASE("a subreaper has no zombie of a container whose conmon was killed", "[e2e][runtime]") {
    subreaper const inheriting;
    oci_world world;
    auto const key = world.start(world.request(world.make_sandbox(), {"sleep", "1000"}));
    ::kill(monitor_of(world, key), SIGKILL);
    CHECK_FALSE(world.wait(key).code_known);
    CHECK_FALSE(world.wait(key).code_known);
    world.get(world.runtime().remove_all());
    CHECK_FALSE(has_children());
}

TEST_CASE("a program that has lost its OCI runtime does not keep its container from ending", "[e2e][runtime][exec]") {
    subreaper const inheriting;
    oci_world world;
    auto const key = world.start(world.request(world.make_sandbox(), {"sleep", "1000"}));
    exec_request what{.key = key, .command = {"sleep", "4712"}};
    SECTION("because its time is over") {
        what.deadline = world.time().now() + 500ms;
        CHECK(world.failure(world.runtime().exec(what)).code == errc::timed_out);
        CHECK_FALSE(has_zombie());
    }
    SECTION("because somebody has killed that") {
        what.deadline = world.time().now() + 20s;
        std::thread killing([] {
            while (!kill_one_that_waits_for("4712")) std::this_thread::sleep_for(10ms);
        });
        CHECK(world.get(world.runtime().exec(what)).exit_code == 137);
        killing.join();
    }
    world.get(world.runtime().kill_container(key));
    auto ending = world.runtime().wait_container(key);
    auto const ended = world.run(with_deadline(world.time(), world.time().now() + 10s, std::move(ending)));
    CHECK(ended.has_value());
    world.get(world.runtime().remove_all());
    CHECK_FALSE(has_children());
}

TEST_CASE("a subreaper knows the exit code of a container that ended before its killed conmon", "[e2e][runtime]") {
    subreaper const inheriting;
    oci_world world;
    auto request = world.request(world.make_sandbox(),
                                 {"sh", "-c", "trap 'exit 7' TERM; echo up; while true; do sleep 0.05; done"});
    auto const key = world.start(std::move(request));
    auto const heard = world.get(world.runtime().open_container_log(key, {.follow = true}));
    REQUIRE(world.get(heard->read()) == "up\n");  // the trap is set
    auto const monitor = monitor_of(world, key);
    ::kill(monitor, SIGSTOP);
    REQUIRE(becomes(monitor, 'T'));
    world.get(world.runtime().stop_container(key));
    auto const bundle = world.root() / "run/pods" / key.instance.text() / "containers/main-0";
    REQUIRE(becomes(std::stoi(read_text(bundle / "pid")), 'Z'));
    ::kill(monitor, SIGKILL);
    auto const ended = world.wait(key);
    CHECK(ended.code == 7);
    CHECK(ended.code_known);
    world.get(world.runtime().remove_all());
    CHECK_FALSE(has_children());
}

TEST_CASE("a subreaper has no zombie of a container that was made by half", "[e2e][runtime]") {
    subreaper const inheriting;
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    std::filesystem::remove(world.root() / "state/pods" / pod.text() / "containers/main-0/record.json");
    world.get(world.runtime().remove_container(key));
    CHECK_FALSE(has_children());
}

}  // namespace rik::testing
