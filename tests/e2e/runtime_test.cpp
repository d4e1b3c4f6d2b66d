// Containers on this machine: real runc, conmon, overlay, cgroups.
#include <rik/runtime/oci/oci_runtime.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

std::string read_log(oci_world& world, container_key key, log_options options) {
    auto const opened = world.get(world.runtime().open_log(std::move(key), options));
    std::string all;
    while (true) {
        auto const part = world.get(opened->read());
        if (part.empty()) return all;
        all += part;
    }
}

container_key start(oci_world& world, container_request request) {
    auto key = request.key;
    world.get(world.runtime().start_container(std::move(request)));
    return key;
}

std::string read_text(std::filesystem::path const& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

awaitable<container_exit> live_and_die(oci_world& world) {
    auto const pod = world.new_instance();
    auto& runtime = world.runtime();
    sandbox_request wanted{.instance = pod, .hostname = "pod", .addresses = {}};
    auto const made = co_await runtime.create_sandbox(std::move(wanted));
    auto request = world.request(pod, {"sleep", "1000"});
    auto const key = request.key;
    auto const started = co_await runtime.start_container(std::move(request));
    auto const killed = co_await runtime.kill_container(key);
    auto const ended = co_await runtime.wait_container(key);
    auto const removed = co_await runtime.remove_sandbox(pod);
    if (!made || !started || !killed || !ended || !removed) throw std::runtime_error("a step failed");
    co_return *ended;
}

container_exit wait(oci_world& world, container_key key) {
    return world.get(world.runtime().wait_container(std::move(key)));
}

}  // namespace

TEST_CASE("a container runs, is heard, ends and leaves nothing", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox("my-pod");
    auto const key = start(world, world.request(pod, {"sh", "-c", "echo hello; hostname; exit 7"}));
    auto const ended = wait(world, key);
    CHECK(ended.code == 7);
    CHECK(ended.code_known);
    CHECK_FALSE(ended.out_of_memory);
    CHECK(read_log(world, key, {.follow = true}) == "hello\nmy-pod\n");
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(world.get(world.runtime().list()).empty());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
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
    CHECK(wait(world, start(world, std::move(neighbour))).code == 0);
    auto const key = start(world, std::move(request));
    CHECK(wait(world, key).code == 0);
    CHECK(read_log(world, key, {.follow = true}) ==
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
    oci_world world;
    auto const pod = world.make_sandbox();
    auto greedy = world.request(pod, {"tail", "/dev/zero"}, "greedy");
    greedy.definition.limits.set(resource::memory, 32 << 20);
    greedy.definition.limits.set(resource::cpu, 500);
    auto const key = start(world, std::move(greedy));
    auto const ended = wait(world, key);
    CHECK(ended.code == 137);
    CHECK(ended.out_of_memory);
    auto killed = start(world, world.request(pod, {"sh", "-c", "kill -9 $$; sleep 1000"}, "killed"));
    world.get(world.runtime().kill_container(killed));
    auto const of_killed = wait(world, killed);
    CHECK(of_killed.code == 137);
    CHECK_FALSE(of_killed.out_of_memory);
    CHECK(world.failure(world.runtime().kill_container(killed)).code == errc::not_found);
}

TEST_CASE("a stop is the image's signal to the first process", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto request =
        world.request(pod, {"sh", "-c", "trap 'echo bye; exit 3' INT; echo up; while true; do sleep 0.05; done"});
    auto with_image = world.busybox();
    with_image->config.stop_signal = "SIGINT";
    request.from = with_image;
    auto const key = start(world, std::move(request));
    auto const opened = world.get(world.runtime().open_log(key, {.follow = true}));
    CHECK(world.get(opened->read()) == "up\n");
    world.get(world.runtime().stop_container(key));
    CHECK(wait(world, key).code == 3);
    CHECK(world.get(opened->read()) == "bye\n");
    CHECK(world.get(opened->read()).empty());
    CHECK(world.failure(world.runtime().stop_container(key)).code == errc::not_found);
}

TEST_CASE("every verb may be called twice", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    world.get(world.runtime().create_sandbox({.instance = pod, .hostname = "pod", .addresses = {}}));
    auto const request = world.request(pod, {"sleep", "1000"});
    start(world, request);
    auto const before = world.get(world.runtime().list())[0].containers[0];
    start(world, request);
    auto const after = world.get(world.runtime().list())[0].containers[0];
    CHECK(after.running);
    CHECK(after.started_at == before.started_at);
    world.get(world.runtime().remove_container(request.key));
    world.get(world.runtime().remove_container(request.key));
    world.get(world.runtime().remove_sandbox(pod));
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(world.get(world.runtime().list()).empty());
}

TEST_CASE("another runtime takes over what runs and what has ended", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const lasting = start(world, world.request(pod, {"sleep", "1000"}, "lasting"));
    auto const short_lived = start(world, world.request(pod, {"sh", "-c", "exit 5"}, "short"));
    CHECK(wait(world, short_lived).code == 5);
    auto other = world.open();
    auto const found = world.get(other->list());
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].containers.size() == 2);
    CHECK(found[0].containers[0].key == lasting);
    CHECK(found[0].containers[0].running);
    CHECK(found[0].containers[0].started_at);
    CHECK_FALSE(found[0].containers[1].running);
    CHECK(found[0].containers[1].exit->code == 5);
    world.get(other->kill_container(lasting));
    CHECK(world.get(other->wait_container(lasting)).code == 137);
    world.get(other->remove_sandbox(pod));
    world.close(std::move(other));
    CHECK(world.get(world.runtime().list()).empty());
}

TEST_CASE("a container whose conmon was killed is ended, its code unknown", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = start(world, world.request(pod, {"sleep", "1000"}));
    auto const bundle = world.root() / "run/pods" / pod.text() / "containers/main-0";
    ::kill(std::stoi(read_text(bundle / "conmon.pid")), SIGKILL);
    auto const ended = wait(world, key);
    CHECK_FALSE(ended.code_known);
    auto const again = wait(world, key);
    CHECK_FALSE(again.code_known);
    CHECK(again.finished_at == ended.finished_at);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("what was made by half is removed by its path alone", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = start(world, world.request(pod, {"sleep", "1000"}));
    auto const state = world.root() / "state/pods" / pod.text() / "containers/main-0";
    std::filesystem::remove(state / "record.json");  // as if we had died before it was written
    auto const found = world.get(world.runtime().list());
    CHECK_FALSE(found[0].containers[0].running);
    CHECK_FALSE(found[0].containers[0].exit);
    SECTION("by removing it") { world.get(world.runtime().remove_container(key)); }
    SECTION("by starting it again") {
        start(world, world.request(pod, {"sh", "-c", "exit 4"}));
        CHECK(wait(world, key).code == 4);
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

TEST_CASE("after a reboot containers have ended and sandboxes are not whole", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = start(world, world.request(pod, {"sleep", "1000"}));
    auto const record = world.root() / "state/pods" / pod.text() / "containers/main-0/record.json";
    auto text = read_text(record);
    text.replace(text.find("boot_id\":\"") + 10, 4, "0000");
    std::ofstream(record) << text;
    auto const found = world.get(world.runtime().list());
    CHECK_FALSE(found[0].containers[0].running);
    REQUIRE(found[0].containers[0].exit);
    CHECK_FALSE(found[0].containers[0].exit->code_known);
}

TEST_CASE("logs: tail, time, long lines, following over rotations", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = start(
        world, world.request(pod, {"sh", "-c", "seq 1 5000; head -c 20000 /dev/zero | tr '\\0' x; echo; echo end"}));
    CHECK(wait(world, key).code == 0);
    CHECK(read_log(world, key, {.tail_lines = 1}) == "end\n");
    CHECK(read_log(world, key, {.tail_lines = 3}) == "5000\n" + std::string(20000, 'x') + "\nend\n");
    CHECK(read_log(world, key, {.tail_lines = 0}).empty());
    auto const all = read_log(world, key, {});
    CHECK(std::ranges::count(all, '\n') == 5002);
    CHECK(all.starts_with("1\n2\n3\n"));
    CHECK(read_log(world, key, {.timestamps = true, .tail_lines = 1}).substr(0, 3) == "202");
    world.get(world.runtime().remove_container(key));
    CHECK(read_log(world, key, {.tail_lines = 1}) == "end\n");
    CHECK(world.failure(world.runtime().open_log({.instance = pod, .name = "nobody"}, {})).code == errc::not_found);
}

TEST_CASE("a log that grows is rotated and loses no line for those who follow", "[e2e][runtime]") {
    oci_world world;
    auto options = world.options();
    options.log_file_bytes_max = 100'000;
    options.log_check_period = 20ms;
    auto rotating = std::move(*oci_runtime::open(options, world.time()));
    auto const pod = world.make_sandbox();
    auto const key =
        start(world, world.request(pod, {"sh", "-c", "for i in $(seq 1 60); do seq 1 100; usleep 10000; done"}));
    auto const opened = world.get(rotating->open_log(key, {.follow = true}));
    std::size_t lines = 0;
    for (auto part = world.get(opened->read()); !part.empty(); part = world.get(opened->read())) {
        lines += static_cast<std::size_t>(std::ranges::count(part, '\n'));
    }
    CHECK(lines == 6000);
    auto const logs = world.root() / "state/pods" / pod.text() / "logs";
    CHECK(std::filesystem::exists(logs / "main-0.log.1"));
    CHECK_FALSE(std::filesystem::exists(logs / "main-0.log.3"));
    world.close(std::move(rotating));
}

TEST_CASE("fifty Pods at once start and go", "[e2e][runtime]") {
    oci_world world;
    std::vector<std::future<container_exit>> ends;
    for (int count = 0; count < 50; ++count) {
        ends.push_back(asio::co_spawn(world.executor(), live_and_die(world), asio::use_future));
    }
    for (auto& each : ends) CHECK(each.get().code == 137);
    CHECK(world.get(world.runtime().list()).empty());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("how long the steps take", "[.bench]") {
    oci_world world;
    auto const ms = [&](auto work) {
        auto const before = world.time().now();
        work();
        return std::chrono::duration<double, std::milli>(world.time().now() - before).count();
    };
    std::map<std::string, std::vector<double>> steps;
    for (int round = 0; round < 30; ++round) {
        instance_id pod;
        steps["1 create_sandbox"].push_back(ms([&] { pod = world.make_sandbox(); }));
        auto request = world.request(pod, {"sleep", "1000"});
        auto const key = request.key;
        steps["2 start_container"].push_back(ms([&] { start(world, std::move(request)); }));
        steps["3 kill and wait"].push_back(ms([&] {
            world.get(world.runtime().kill_container(key));
            wait(world, key);
        }));
        steps["4 remove_container"].push_back(ms([&] { world.get(world.runtime().remove_container(key)); }));
        steps["5 remove_sandbox"].push_back(ms([&] { world.get(world.runtime().remove_sandbox(pod)); }));
    }
    for (auto& [name, times] : steps) {
        std::ranges::sort(times);
        fmt::print("{:20} median {:6.2f} ms ({:.2f} - {:.2f})\n", name, times[times.size() / 2], times.front(),
                   times.back());
    }
}

}  // namespace rik::testing
