// Containers on this machine: real runc, conmon, overlay, cgroups.
#include <rik/runtime/oci/oci_runtime.hpp>

#include "contract/runtime_contract.hpp"
#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"
#include "support/scratch_directory.hpp"

#include <boost/json.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace rik::testing {

namespace {

bool runs(pid_t process) {
    auto const about = read_text("/proc/" + std::to_string(process) + "/stat");
    auto const end = about.rfind(')');
    return end != std::string::npos && about.substr(end, 3) != ") Z";
}

class oci_loop final : public event_loop {
public:
    explicit oci_loop(oci_world& world) : world_(world) {}
    clock& time() override { return world_.time(); }

private:
    void run_to_end(awaitable<> work) override { world_.run(std::move(work)); }

    oci_world& world_;
};

class oci_maker final : public runtime_maker {
public:
    event_loop& loop() override { return loop_; }
    rik::runtime& tested() override { return other_ ? *other_ : world_.runtime(); }
    void reopen() override { other_ = world_.open(); }

    container_request request(container_key key, container_program what) override {
        auto const then = what.exit_code ? "exit " + std::to_string(*what.exit_code)
                                         : std::string("while true; do usleep 10000; done");
        auto script =
            "trap 'exit 3' TERM; yes " + what.line + " | head -n " + std::to_string(what.line_count) + "; " + then;
        return request_of(std::move(key), {"sh", "-c", std::move(script)});
    }
    container_request impossible_request(container_key key) override {
        return request_of(std::move(key), {"/no/such/program"});
    }
    std::vector<std::string> exec_command(exec_program what) override {
        auto script = "printf '" + what.output + "'; " + (what.lasts ? "sleep 1000; " : "");
        return {"sh", "-c", script + "exit " + std::to_string(what.exit_code)};
    }
    std::vector<std::string> leftovers() override {
        auto found = world_.leftovers();
        std::erase_if(found, [](auto const& each) { return each.front() == '/'; });  // directories of no single Pod
        return found;
    }

private:
    container_request request_of(container_key key, std::vector<std::string> command) {
        auto made = world_.request(key.instance, std::move(command), key.name);
        made.key = std::move(key);
        return made;
    }

    oci_world world_;
    oci_loop loop_{world_};
    opened_runtime other_;
};

}  // namespace

TEST_CASE("the OCI runtime is a runtime", "[e2e][runtime][contract]") {
    oci_maker machine;
    check_runtime(machine);
}

TEST_CASE("a container runs, is heard, ends and leaves nothing", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox("my-pod");
    auto const key = world.start(world.request(pod, {"sh", "-c", "echo hello; hostname; exit 7"}));
    auto const ended = world.wait(key);
    CHECK(ended.code == 7);
    CHECK(ended.code_known);
    CHECK_FALSE(ended.out_of_memory);
    CHECK(world.read_log(key, {.follow = true}) == "hello\nmy-pod\n");
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(world.get(world.runtime().list()).empty());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a released sandbox keeps nothing but its logs", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"echo", "bye"}));
    CHECK(world.wait(key).code == 0);
    world.get(world.runtime().vacate_sandbox(pod));
    CHECK_FALSE(std::filesystem::exists(world.root() / "run/pods" / pod.text()));
    auto const state = world.root() / "state/pods" / pod.text();
    CHECK(std::distance(std::filesystem::directory_iterator(state), {}) == 1);
    CHECK(std::filesystem::exists(state / "logs"));
    CHECK(read_text("/proc/self/mountinfo").find(pod.text()) == std::string::npos);
}

TEST_CASE("a container sees its image, its definition and its Pod", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox("web-0");
    auto with_image = world.busybox();
    with_image->config.entrypoint = {"sh", "-c"};
    with_image->config.cmd = {"false"};
    with_image->config.env = {"A=image", "B=image", "C=image"};
    with_image->config.user = "app";
    auto request = world.request(pod, {});
    request.definition.command = std::nullopt;
    request.definition.args = {
        {"id; pwd; echo $A $B $C $HOME $HOSTNAME; cat /etc/hosts | tail -1; cat /etc/hostname; "
         "ls -d /dev/shm/here; grep -E 'NoNewPrivs|Seccomp:|CapEff|CapBnd' /proc/self/status; "
         "unshare -n true 2>&1 || echo refused"}};
    request.definition.env = {{.name = "A", .value = "definition"}};
    request.environment = {{"A", "rik"}, {"B", "rik"}};
    request.definition.working_dir = "/made/for/me";
    request.from = with_image;
    auto neighbour = world.request(pod, {"touch", "/dev/shm/here"}, "neighbour");
    CHECK(world.wait(world.start(std::move(neighbour))).code == 0);
    auto const key = world.start(std::move(request));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key, {.follow = true}) ==
          "uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)\n/made/for/me\n"
          "definition rik image /home/app web-0\n10.1.2.3\tweb-0\nweb-0\n/dev/shm/here\n"
          "CapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n"
          "unshare: unshare(0x40000000): Operation not permitted\nrefused\n");
}

TEST_CASE("a program that is not there is the definition's fault, and nothing of it stays", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto request = world.request(pod, {"/no/such/program"});
    auto const key = request.key;
    auto const refused = world.failure(world.runtime().start_container(std::move(request)));
    CHECK(refused.code == errc::invalid);
    CHECK(refused.message.find("/no/such/program") != std::string::npos);
    CHECK(world.failure(world.runtime().wait_container(key)).code == errc::not_found);
    auto unknown = world.request(pod, {"true"});
    auto with_image = world.busybox();
    with_image->config.user = "nobody-knows";
    unknown.from = with_image;
    CHECK(world.failure(world.runtime().start_container(std::move(unknown))).code == errc::invalid);
    auto const found = world.get(world.runtime().list());
    REQUIRE(found.size() == 1);
    CHECK(found[0].is_whole);
    CHECK(found[0].containers.empty());
}

TEST_CASE("a container that runs out of memory says so, one that is killed does not", "[e2e][runtime]") {
    auto const own_directory = std::filesystem::current_path();
    scratch_directory const elsewhere;
    std::filesystem::current_path(elsewhere.path());
    oci_world world;
    auto const pod = world.make_sandbox();
    auto greedy = world.request(pod, {"tail", "/dev/zero"}, "greedy");
    greedy.definition.limits.set(resource::memory, 32 << 20);
    greedy.definition.limits.set(resource::cpu, 500);
    auto const key = world.start(std::move(greedy));
    auto const ended = world.wait(key);
    CHECK(ended.code == 137);
    CHECK(ended.out_of_memory);
    CHECK(ended.memory_kills == 1);
    CHECK(ended.memory_limit_hit == 32 << 20);
    auto killed = world.start(world.request(pod, {"sh", "-c", "kill -9 $$; sleep 1000"}, "killed"));
    world.get(world.runtime().kill_container(killed));
    auto const of_killed = world.wait(killed);
    CHECK(of_killed.code == 137);
    CHECK_FALSE(of_killed.out_of_memory);
    CHECK(world.failure(world.runtime().kill_container(killed)).code == errc::not_found);
    std::filesystem::current_path(own_directory);
    CHECK(std::filesystem::is_empty(elsewhere.path()));  // conmon notes it in a file of its working directory
}

TEST_CASE("a child that was killed for want of memory is told, however its container ends", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const run = [&](std::string name, std::string then) {
        auto request = world.request(pod, {"sh", "-c", "tail /dev/zero; " + then}, std::move(name));
        request.definition.limits.set(resource::memory, 32 << 20);
        return world.start(std::move(request));
    };
    auto const failing = run("failing", "exit 1");
    auto const well = run("well", "exit 0");
    for (auto const& [key, code] : {std::pair(failing, 1), std::pair(well, 0)}) {
        auto const ended = world.wait(key);
        CHECK(ended.code == code);
        CHECK_FALSE(ended.out_of_memory);
        CHECK(ended.memory_kills == 1);
        CHECK(ended.memory_limit_hit == 32 << 20);
    }
}

TEST_CASE("processor time is limited before the program begins", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto request = world.request(pod, {"sh", "-c", "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max"});
    request.definition.limits.set(resource::cpu, 250);
    auto const key = world.start(std::move(request));
    world.wait(key);
    CHECK(world.read_log(key, {.follow = true}).find("25000") != std::string::npos);  // in v1 or in v2
}

TEST_CASE("a stop is the image's signal to the first process", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto request =
        world.request(pod, {"sh", "-c", "trap 'echo bye; exit 3' INT; echo up; while true; do sleep 0.05; done"});
    auto with_image = world.busybox();
    with_image->config.stop_signal = "SIGINT";
    request.from = with_image;
    auto const key = world.start(std::move(request));
    auto const opened = world.get(world.runtime().open_container_log(key, {.follow = true}));
    CHECK(world.get(opened->read()) == "up\n");
    world.get(world.runtime().stop_container(key));
    CHECK(world.wait(key).code == 3);
    CHECK(world.get(opened->read()) == "bye\n");
    CHECK(world.get(opened->read()).empty());
    CHECK(world.failure(world.runtime().stop_container(key)).code == errc::not_found);
}

TEST_CASE("a container whose conmon was killed is ended, its code unknown", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    auto const bundle = world.root() / "run/pods" / pod.text() / "containers/main-0";
    ::kill(std::stoi(read_text(bundle / "conmon.pid")), SIGKILL);
    auto const ended = world.wait(key);
    CHECK_FALSE(ended.code_known);
    auto const again = world.wait(key);
    CHECK_FALSE(again.code_known);
    CHECK(again.finished_at == ended.finished_at);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a container whose conmon was killed has ended when nothing of it runs any more", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    // Memory that is in use makes an end take time.
    auto const key = world.start(world.request(
        pod, {"sh", "-c", "trap '' TERM; dd if=/dev/zero of=/dev/shm/full bs=1M count=48; sleep 1000 & sleep 1000"}));
    auto const directory = world.root() / "state/pods" / pod.text() / "containers/main-0";
    auto const first = boost::json::parse(read_text(directory / "record.json")).at("container_pid").to_number<pid_t>();
    auto const bundle = world.root() / "run/pods" / pod.text() / "containers/main-0";
    ::kill(std::stoi(read_text(bundle / "conmon.pid")), SIGKILL);
    SECTION("for whoever waits for it") { CHECK_FALSE(world.wait(key).code_known); }
    SECTION("for whoever lists containers") {
        while (world.get(world.runtime().list())[0].containers[0].running) continue;
    }
    CHECK_FALSE(runs(first));  // and with the first process of a PID namespace all others end
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("what was made by half is removed by its path alone", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    auto const state = world.root() / "state/pods" / pod.text() / "containers/main-0";
    std::filesystem::remove(state / "record.json");  // as if we had died before it was written
    auto const found = world.get(world.runtime().list());
    CHECK_FALSE(found[0].containers[0].running);
    CHECK_FALSE(found[0].containers[0].exit);
    SECTION("by removing it") { world.get(world.runtime().remove_container(key)); }
    SECTION("by starting it again") {
        world.start(world.request(pod, {"sh", "-c", "exit 4"}));
        CHECK(world.wait(key).code == 4);
    }
    world.get(world.runtime().remove_sandbox(pod));
    auto const broken = world.make_sandbox();
    std::filesystem::remove(world.root() / "run/pods" / broken.text() / "ready");
    CHECK_FALSE(world.get(world.runtime().list())[0].is_whole);
    world.get(world.runtime().create_sandbox({.instance = broken, .hostname = "again", .addresses = {}}));
    CHECK(world.get(world.runtime().list())[0].is_whole);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

/// For killed_test.sh.
TEST_CASE("a world that lasts until it is killed", "[.]") {
    oci_world world;
    world.start(world.request(world.make_sandbox(), {"sleep", "1000"}));
    std::cout << "world " << world.root().string() << ' ' << world.tag() << std::endl;
    ::pause();
}

TEST_CASE("what was made by half is told from what another runtime has under the same id", "[e2e][runtime]") {
    oci_world world;
    oci_world other;
    auto const pod = world.make_sandbox();
    other.get(other.runtime().create_sandbox({.instance = pod, .hostname = "twin", .addresses = {}}));
    auto const twin = other.start(other.request(pod, {"sleep", "1000"}));
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    std::filesystem::remove(world.root() / "state/pods" / pod.text() / "containers/main-0/record.json");
    world.get(world.runtime().remove_container(key));
    CHECK(other.get(other.runtime().list())[0].containers[0].running);
    other.get(other.runtime().kill_container(twin));
    CHECK(other.wait(twin).code_known);
    other.get(other.runtime().remove_all());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("after a reboot containers have ended and sandboxes are not whole", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    auto const record = world.root() / "state/pods" / pod.text() / "containers/main-0/record.json";
    auto text = read_text(record);
    text.replace(text.find("boot_id\":\"") + 10, 4, "0000");
    std::ofstream(record) << text;
    auto const found = world.get(world.runtime().list());
    CHECK_FALSE(found[0].containers[0].running);
    REQUIRE(found[0].containers[0].exit);
    CHECK_FALSE(found[0].containers[0].exit->code_known);
}

}  // namespace rik::testing
