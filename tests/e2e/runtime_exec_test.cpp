// Programs that are run in containers: with their rights, bounded, and gone when their time is over.
#include <rik/async/deadline.hpp>
#include <rik/async/task_group.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace rik::testing {

using namespace std::chrono_literals;

namespace {

class exec_world : public oci_world {
public:
    using oci_world::oci_world;

    container_key start_idle(std::string name = "main") {
        return start(
            request(pod, {"sh", "-c", "trap 'exit 3' TERM; while true; do sleep 0.05; done"}, std::move(name)));
    }
    exec_request in(container_key key, std::string script, duration patience = 20s) {
        return {.key = std::move(key), .command = {"sh", "-c", std::move(script)}, .deadline = time().now() + patience};
    }
    exec_result exec(container_key key, std::string script) {
        return get(runtime().exec(in(std::move(key), std::move(script))));
    }
    /// How many processes of the container match this; a pattern like "[4]711" does not match itself.
    int count(container_key key, std::string const& pattern) {
        auto const ran = exec(std::move(key), "grep -l -a " + pattern + " /proc/[0-9]*/cmdline 2>/dev/null | wc -l");
        return std::stoi(ran.output);
    }
    bool has_exec_groups() const {
        namespace fs = std::filesystem;
        std::error_code failure;
        for (fs::recursive_directory_iterator each("/sys/fs/cgroup", failure), end; each != end;
             each.increment(failure))
            if (each->path().string().find(tag()) != std::string::npos &&
                each->path().filename().string().starts_with("exec-"))
                return true;
        return false;
    }

    /// Where the processors of a container are limited.
    std::filesystem::path cpu_group(std::string const& container) const {
        return group_with({"cpu.cfs_quota_us", "cpu.max"}, container);
    }
    void freeze(std::string const& container) const {
        auto const of_v1 = group_with({"freezer.state"}, container);
        if (of_v1.empty())
            std::ofstream(group_with({"cgroup.freeze"}, container) / "cgroup.freeze") << "1";
        else
            std::ofstream(of_v1 / "freezer.state") << "FROZEN";
    }
    /// One of a container that has one of these files.
    std::filesystem::path group_with(std::vector<std::string> const& files, std::string const& container) const {
        namespace fs = std::filesystem;
        std::error_code failure;
        for (fs::recursive_directory_iterator each("/sys/fs/cgroup", failure), end; each != end;
             each.increment(failure)) {
            auto const path = each->path();
            auto const is_of_container =
                path.native().find(tag()) != std::string::npos && path.native().find(container) != std::string::npos;
            if (is_of_container &&
                std::ranges::any_of(files, [&](auto const& file) { return fs::exists(path / file); }))
                return path;
        }
        return {};
    }

    instance_id pod = make_sandbox("web-0");
};

std::size_t lines_of(std::filesystem::path const& file) {
    auto const text = read_text(file);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A hundredth of a processor.
void set_least_quota(std::filesystem::path const& group) {
    if (std::filesystem::exists(group / "cpu.max"))
        std::ofstream(group / "cpu.max") << "1000 100000";
    else
        std::ofstream(group / "cpu.cfs_quota_us") << "1000";
}

bool least_quota_holds(std::filesystem::path const& group) {
    if (std::filesystem::exists(group / "cpu.max")) return read_text(group / "cpu.max") == "1000 100000\n";
    return read_text(group / "cpu.cfs_quota_us") == "1000\n" && read_text(group / "cpu.cfs_period_us") == "100000\n";
}

awaitable<> exec_into(rik::runtime& on, exec_request what, std::vector<result<exec_result>>& into) {
    into.push_back(co_await on.exec(std::move(what)));
}

awaitable<> run_all(exec_world& world, std::vector<exec_request> all, std::vector<result<exec_result>>& into) {
    task_group tasks(world.executor());
    for (auto& each : all) tasks.spawn(exec_into(world.runtime(), std::move(each), into));
    co_await tasks.join();
}

awaitable<> run_and_cancel(exec_world& world, exec_request what, duration after, bool& is_done) {
    std::vector<result<exec_result>> ignored;
    task_group tasks(world.executor());
    tasks.spawn(exec_into(world.runtime(), std::move(what), ignored));
    co_await world.time().sleep_for(after);
    co_await tasks.stop();
    is_done = !ignored.empty();
}

}  // namespace

TEST_CASE("a program has the rights, the variables and the limits of its container", "[e2e][runtime][exec]") {
    exec_world world;
    auto request = world.request(world.pod, {"sh", "-c", "while true; do sleep 0.05; done"});
    auto with_image = world.busybox();
    with_image->config.user = "app";
    request.from = with_image;
    request.definition.env = {{.name = "A", .value = "definition"}};
    request.definition.working_dir = "/tmp";
    auto const key = world.start(std::move(request));
    auto const ran = world.exec(key,
                                "id -u; pwd; echo $A $HOSTNAME; grep -E 'NoNewPrivs|Seccomp:|CapEff|CapBnd' "
                                "/proc/self/status; unshare -n true 2>&1 || echo refused");
    CHECK(ran.exit_code == 0);
    CHECK(ran.output ==
          "1000\n/tmp\ndefinition web-0\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\n"
          "Seccomp:\t2\nunshare: unshare(0x40000000): Operation not permitted\nrefused\n");
    auto const groups = world.exec(key, "cat /proc/1/cgroup /proc/self/cgroup").output;
    auto const of_first = read_text("/proc/self/cgroup");  // as many lines: each hierarchy
    CHECK(std::count(groups.begin(), groups.end(), '\n') == 2 * std::count(of_first.begin(), of_first.end(), '\n'));
    CHECK(groups.find("/..") == std::string::npos);  // it is in no group outside of its container's
}

TEST_CASE("for the kernel's killer a program counts as its container", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    auto const own = world.exec(key, "cat /proc/1/oom_score_adj");
    CHECK(own.output != "0\n");
    CHECK(world.exec(key, "cat /proc/self/oom_score_adj").output == own.output);
    world.get(world.runtime().remove_sandbox(world.pod));
}

TEST_CASE("a program's output is bounded, and both of its streams are kept", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    CHECK(world.exec(key, "echo a; echo c; exit 5").output == "a\nc\n");
    CHECK(world.exec(key, "echo b >&2").output == "b\n");
    auto request = world.in(key, "yes | head -c 3000000; exit 6");
    request.output_bytes_max = 1000;
    auto const ran = world.get(world.runtime().exec(std::move(request)));
    CHECK(ran.exit_code == 6);
    CHECK(ran.output.size() == 1000);
    CHECK(ran.is_output_cut);
    CHECK(world.exec(key, "kill -9 $$").exit_code == 137);
    CHECK(world.exec(key, "exit 255").exit_code == 255);
}

TEST_CASE("a program that is not there is the request's fault", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    for (std::string const program : {"/no/such/program", "no-such-program", "/etc/passwd"}) {
        auto const refused = world.failure(
            world.runtime().exec({.key = key, .command = {program}, .deadline = world.time().now() + 10s}));
        CHECK(refused.code == errc::invalid);
        CHECK(refused.message.find(program) != std::string::npos);
        CHECK(refused.message.find("exec failed") == std::string::npos);
    }
    auto const nameless =
        world.failure(world.runtime().exec({.key = key, .command = {}, .deadline = world.time().now() + 10s}));
    CHECK(nameless.code == errc::invalid);
    CHECK_FALSE(world.has_exec_groups());
}

TEST_CASE("a program whose time is over is killed with what it has started", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    auto const script = "echo begun; (trap '' TERM; sleep 4711) & sleep 4711";
    SECTION("at the deadline") {
        auto const late = world.failure(world.runtime().exec(world.in(key, script, 3s)));
        CHECK(late.code == errc::timed_out);
        CHECK(late.message.find("begun") != std::string::npos);
    }
    SECTION("when its caller is cancelled") {
        for (auto const after : {0ms, 1ms, 3ms, 6ms, 10ms, 20ms, 300ms}) {
            bool is_done = true;
            world.run(run_and_cancel(world, world.in(key, script), after, is_done));
            CHECK_FALSE(is_done);
        }
    }
    SECTION("also one that forks without end") {
        auto const bomb = "f() { sleep 4711 & f; }; f";
        CHECK(world.failure(world.runtime().exec(world.in(key, bomb, 500ms))).code == errc::timed_out);
    }
    CHECK(world.count(key, "[4]711") == 0);
    CHECK_FALSE(world.has_exec_groups());
    world.get(world.runtime().stop_container(key));
    CHECK(world.wait(key).code == 3);
}

TEST_CASE("programs that have used up the time of their container end, too, and its limit holds again",
          "[e2e][runtime][exec]") {
    exec_world world;
    auto request = world.request(world.pod, {"sleep", "1000"});
    request.definition.limits.set(resource::cpu, 2'000);
    auto const key = world.start(std::move(request));
    auto const group = world.cpu_group("main-0");
    std::atomic<bool> is_over = false;
    std::thread slows_down([&] {
        while (!is_over && lines_of(group / "cgroup.procs") < 1'000) std::this_thread::sleep_for(10ms);
        set_least_quota(group);
    });
    auto const script = "i=0; while [ $i -lt 1000 ]; do sleep 4714 & i=$((i+1)); done; sleep 4714";
    auto const late = world.failure(world.runtime().exec(world.in(key, script, 6s)));
    is_over = true;
    slows_down.join();
    CHECK(late.code == errc::timed_out);
    CHECK(lines_of(group / "cgroup.procs") == 1);  // without our help they take half a minute
    CHECK(least_quota_holds(group));
    world.get(world.runtime().remove_sandbox(world.pod));
}

TEST_CASE("a program in a container that somebody freezes is late, and is removed with it", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start(world.request(world.pod, {"sleep", "1000"}));
    std::thread freezes([&] {
        std::this_thread::sleep_for(1s);
        world.freeze("main-0");
    });
    auto const began = world.time().now();
    CHECK(world.failure(world.runtime().exec(world.in(key, "sleep 1000", 3s))).code == errc::timed_out);
    CHECK(world.time().now() - began < 15s);
    freezes.join();
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("what a program leaves running is its container's", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    CHECK(world.exec(key, "sleep 4712 >/dev/null 2>&1 & exit 0").exit_code == 0);
    CHECK(world.count(key, "[4]712") == 1);
    CHECK_FALSE(world.has_exec_groups());
    world.get(world.runtime().kill_container(key));
    CHECK(world.wait(key).code == 137);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a hundred programs at once exhaust nothing, and those that hang do not hold up others",
          "[e2e][runtime][exec]") {
    exec_world world;
    std::vector<container_key> const keys{world.start_idle("one"), world.start_idle("two"), world.start_idle("three")};
    std::vector<result<exec_result>> done;
    std::vector<exec_request> all;
    for (int i = 0; i < 100; ++i) all.push_back(world.in(keys[static_cast<std::size_t>(i) % 2], "echo here", 300s));
    for (int i = 0; i < 20; ++i) all.push_back(world.in(keys[2], "sleep 1000", 2s));
    world.run(run_all(world, std::move(all), done));
    CHECK(done.size() == 120);
    CHECK(std::count_if(done.begin(), done.end(), [](auto const& each) { return each && each->output == "here\n"; }) ==
          100);
    CHECK(std::count_if(done.begin(), done.end(),
                        [](auto const& each) { return !each && each.error().code == errc::timed_out; }) == 20);
    CHECK_FALSE(world.has_exec_groups());
}

TEST_CASE("what another rik ran in a container is killed by the one that takes over", "[e2e][runtime][exec]") {
    exec_world world;
    auto const key = world.start_idle();
    auto const other = world.open();
    std::thread abandoned(
        [&] { [[maybe_unused]] auto const killed = world.run(other->exec(world.in(key, "sleep 4713", 30s))); });
    for (int tries = 0; tries < 100 && world.count(key, "[4]713") == 0; ++tries) std::this_thread::sleep_for(20ms);
    world.get(world.runtime().list());
    abandoned.join();
    CHECK(world.count(key, "[4]713") == 0);
    CHECK_FALSE(world.has_exec_groups());
}

}  // namespace rik::testing
