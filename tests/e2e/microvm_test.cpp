// Machines on this machine: real QEMU, kernel, taps. A boot takes seconds, so each tells as much as it can.
#include <rik/runtime/microvm/microvm_runtime.hpp>

#include "contract/runtime_contract.hpp"
#include "support/catch.hpp"
#include "support/machine.hpp"
#include "support/microvm_world.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

namespace rik::testing {

namespace {

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

constexpr char const* serving =
    "trap 'echo asked; exit 3' TERM; echo up; (while true; do echo 'guest' | nc -l -p 80 >/dev/null; done) & "
    "while true; do usleep 50000; done";

class microvm_loop final : public event_loop {
public:
    explicit microvm_loop(microvm_world& world) : world_(world) {}
    clock& time() override { return world_.time(); }

private:
    void run_to_end(awaitable<> work) override { world_.run(std::move(work)); }

    microvm_world& world_;
};

class microvm_maker final : public runtime_maker {
public:
    event_loop& loop() override { return loop_; }
    rik::runtime& tested() override { return other_ ? *other_ : world_.runtime(); }
    void reopen() override { other_ = world_.open(); }
    bool can_exec() const override { return false; }
    bool has_host_network() const override { return false; }

    container_request request(container_key key, container_program what) override {
        auto const then = what.exit_code ? "exit " + std::to_string(*what.exit_code)
                                         : std::string("while true; do usleep 50000; done");
        auto script =
            "trap 'exit 3' TERM; yes " + what.line + " | head -n " + std::to_string(what.line_count) + "; " + then;
        return request_of(std::move(key), {"sh", "-c", std::move(script)});
    }
    container_request impossible_request(container_key key) override {
        return request_of(std::move(key), {"/no/such/program"});
    }
    std::vector<std::string> exec_command(exec_program) override { return {"true"}; }
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

    microvm_world world_;
    microvm_loop loop_{world_};
    opened_microvm other_;
};

}  // namespace

TEST_CASE("the runtime of machines is a runtime", "[e2e][microvm][contract]") {
    microvm_maker machine;
    check_runtime(machine);
}

TEST_CASE("a machine runs, is heard, ends and leaves nothing", "[e2e][microvm]") {
    microvm_world world;
    auto const one = world.make_sandbox("first");
    auto request = world.request(one, {"sh", "-c", "echo hello; hostname; echo $A; cat /etc/resolv.conf; exit 7"});
    request.definition.env = {{.name = "A", .value = "b c"}};
    auto const key = world.start(std::move(request));
    auto const ended = world.wait(key);
    CHECK(ended.code == 7);
    CHECK(ended.code_known);
    CHECK(ended.reason.empty());
    CHECK_FALSE(ended.out_of_memory);
    auto const log = world.read_log(key, {.follow = true});
    CHECK(has(log, "hello\nfirst\nb c\n"));
    CHECK(has(log, "192.0.2.53"));
    auto const all = world.get(world.runtime().list());
    REQUIRE(all.size() == 1);
    CHECK(all[0].needs_tap);
    REQUIRE(all[0].containers.size() == 1);
    REQUIRE(all[0].containers[0].exit);
    CHECK(all[0].containers[0].exit->code == 7);
    world.get(world.runtime().remove_sandbox(one));
    CHECK(world.get(world.runtime().list()).empty());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a machine is on the network, is taken over, stops when it is asked to, and dies with QEMU",
          "[e2e][microvm]") {
    microvm_world world;
    world.open_network();
    auto const pod = world.make_sandbox("web");
    auto const attached = world.attach(pod, "10.210.3.2", {{.port = 80, .host_port = 8080}});
    auto const key = world.start(world.request(pod, {"sh", "-c", serving}));
    world.wait_for_log(key, "up\n");
    CHECK(call_patiently({"10.210.3.2", 80}) == "guest\n");
    CHECK(call_patiently({"127.0.0.1", 8080}) == "guest\n");

    auto const next = world.open();
    auto const found = world.get(next->list());
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].containers.size() == 1);
    CHECK(found[0].containers[0].running);
    world.get(next->stop_container(key));
    auto const stopped = world.get(next->wait_container(key));
    CHECK(stopped.code == 3);
    CHECK(has(world.read_log(key), "asked\n"));

    auto again = world.request(pod, {"sh", "-c", serving});
    again.key.attempt = 1;
    auto const second = world.start(std::move(again));
    REQUIRE(world.machines().size() == 1);
    ::kill(world.machines().front(), SIGKILL);
    auto const killed = world.wait(second);
    CHECK(killed.code == 137);
    CHECK(has(killed.reason, "signal 9"));

    auto orphaned = world.request(pod, {"sh", "-c", serving});
    orphaned.key.attempt = 2;
    auto const third = world.start(std::move(orphaned));
    REQUIRE(world.keepers().size() == 1);
    ::kill(world.keepers().front(), SIGKILL);
    CHECK(world.wait(third).code == 137);
    for (int tries = 0; tries < 50 && !world.machines().empty(); ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(world.machines().empty());  // QEMU does not outlive its keeper
    world.get(world.pods().detach(pod));
    world.get(world.runtime().remove_sandbox(pod));
    CHECK_FALSE(has(test::shell("ip -o link"), "rt"));
}

TEST_CASE("a guest that lies about its addresses is not heard, and one that is may talk to Pods", "[e2e][microvm]") {
    microvm_world world;
    world.open_network();
    test::scratch_directory files;
    test::pinned_namespace const inside(files.path() / "pod");
    pod_attachment pod{.instance = world.new_instance(), .network_namespace = inside.path(), .address = "10.210.3.9"};
    world.get(world.pods().attach(pod));
    test::name_server const server(inside.path(), {.name = "pod", .port = 80});
    auto const instance = world.make_sandbox("liar");
    world.attach(instance, "10.210.3.2");
    auto const key = world.start(world.request(
        instance, {"sh", "-c",
                   "ask() { echo \"$1: $(echo ? | nc -w 2 $2 $3)\"; }; ask honest 10.210.3.9 80; "
                   "ip addr add 127.0.0.2/8 dev eth0; ip route add 10.210.3.200 dev eth0; "
                   "ip addr add 10.210.3.77/24 dev eth0; ip route add 10.210.3.9/32 dev eth0 src 10.210.3.77; "
                   "ask address 10.210.3.9 80; ip route del 10.210.3.9/32; "
                   "ip link set eth0 down; ip link set eth0 address 0a:58:0a:d2:03:63; ip link set eth0 up; "
                   "ask mac 10.210.3.9 80; sleep 3; ask unguarded 10.210.3.9 80; echo done"}));
    world.wait_for_log(key, "mac: ");
    test::shell("nft flush chain bridge rik_" + world.tag() + " identities");  // it is our rule that stops it
    CHECK(world.wait(key).code == 0);
    auto const log = world.read_log(key);
    INFO(log);
    CHECK(has(log, "honest: pod 10.210.3.2"));
    CHECK(has(log, "address: \n"));
    CHECK(has(log, "mac: \n"));
    CHECK(has(log, "unguarded: pod 10.210.3.2"));
    world.get(world.runtime().remove_sandbox(instance));
    world.get(world.pods().detach(instance));
}

TEST_CASE("a guest that attacks harms nobody: not its neighbours, not the disk, not the node", "[e2e][microvm]") {
    microvm_world world;
    world.open_network();
    test::shell("cp --sparse=always " + world.base().string() + " " + world.base().string() + ".with");
    test::shell("debugfs -w -R 'write " RIK_TEST_ATTACKER " /bin/attacker' " + world.base().string() + ".with 2>&1");
    test::shell("debugfs -w -R 'set_inode_field /bin/attacker mode 0100755' " + world.base().string() + ".with 2>&1");
    test::scratch_directory files;
    test::pinned_namespace const inside(files.path() / "pod");
    pod_attachment pod{.instance = world.new_instance(), .network_namespace = inside.path(), .address = "10.210.3.9"};
    pod.host_ports = {{.port = 80, .host_port = 8088}};
    world.get(world.pods().attach(pod));
    test::name_server const server(inside.path(), {.name = "pod", .port = 80});
    test::name_server const of_node(test::here(), {.name = "node", .port = 8090});
    auto const instance = world.make_sandbox("attacker");
    world.attach(instance, "10.210.3.2");
    auto request = world.request(
        instance, {"sh", "-c",
                   "echo processors: $(nproc); ask() { echo \"$1: $(echo ? | nc -w 2 $2 $3)\"; }; "
                   "ask pod 10.210.3.9 80; ask by-host-port 10.210.3.1 8088; ask node 10.210.3.1 8090; "
                   "dd if=/dev/zero of=/fill bs=65536 2>&1; "
                   "rm /fill; echo written >/x; cat /x; echo begin; attacker 10 10.210.3.9 10.210.3.1; echo done"});
    request.from = std::make_shared<image>(
        image{.name = "attacker", .digest = "sha256:2", .tree = world.base().string() + ".with", .config = {}});
    request.definition.limits.set(resource::cpu, 2000);
    request.definition.limits.set(resource::storage, std::int64_t{48} << 20);
    auto const key = world.start(std::move(request));
    CHECK(test::call(inside.path(), {"10.210.3.1", 8090}) == "node 10.210.3.9");  // Pods may: they are trusted more
    world.wait_for_log(key, "begin\n");
    // While it sends, its neighbour answers, and is not led astray.
    int answers = 0;
    for (int calls = 0; calls < 20; ++calls) {
        if (test::call(test::here(), {"10.210.3.9", 80})) ++answers;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    CHECK(answers == 20);
    CHECK(test::call(inside.path(), {"10.210.3.1", 8090}) == "node 10.210.3.9");
    CHECK_FALSE(has(world.read_log(key), "done\n"));
    auto const learned = test::shell("bridge fdb show br rk" + world.tag() + " | wc -l");
    CHECK(std::stoi(learned) < 50);
    CHECK(world.wait(key).code == 0);
    auto const log = world.read_log(key);
    INFO(log);
    CHECK(has(log, "processors: 2"));
    CHECK(has(log, "pod: pod 10.210.3.2"));
    CHECK(has(log, "by-host-port: pod "));
    CHECK(has(log, "node: \n"));
    CHECK(has(log, "No space left on device"));
    CHECK(has(log, "written\n"));
    auto const sent = log.find("sent ");
    REQUIRE(sent != std::string::npos);
    CHECK(std::stol(log.substr(sent + 5)) > 1000);
    auto const disk = test::shell("find " + world.root().string() + "/state -name disk.qcow2 -printf '%k\n'");
    CHECK(std::stol(disk) < 52 * 1024);  // KiB: it has no more than it was given
    world.get(world.runtime().remove_sandbox(instance));
    world.get(world.pods().detach(instance));
    world.get(world.pods().detach(pod.instance));
}

TEST_CASE("a machine may be its image's own init, on a disk that has grown, and is stopped", "[e2e][microvm]") {
    microvm_world world;
    auto const pod = world.make_sandbox();
    auto request = world.request(pod, {});
    request.definition.limits.set(resource::storage, std::int64_t{2} << 30);
    auto const key = world.start(std::move(request));
    auto const log = world.wait_for_log(key, "/dev/vda");
    CHECK(has(log, "own init\n"));
    auto const all = world.get(world.runtime().list());
    REQUIRE((all.size() == 1 && all[0].containers.size() == 1 && all[0].containers[0].machine));
    auto const& boot = *all[0].containers[0].machine;
    CHECK(boot.acceleration == world.runtime().accelerated().name);
    std::vector<std::string> steps;
    for (auto const& each : boot.steps) steps.push_back(each.name);
    CHECK(steps == std::vector<std::string>{"prepared", "qemuStarted", "kernelUp", "initUp", "running"});
    CHECK(std::ranges::is_sorted(boot.steps, {}, &boot_step::after_ms));
    std::istringstream disk(log.substr(log.find("/dev/vda")));
    std::string name;
    std::int64_t kibibytes = 0;
    disk >> name >> kibibytes;
    CHECK(kibibytes > 1'800'000);
    auto const used = world.get(world.runtime().measure_usage({pod}));
    REQUIRE(used.size() == 1);
    REQUIRE(used[0].containers.size() == 1);
    CHECK(used[0].containers[0].memory_bytes > 50'000'000);
    auto const written =
        world.get(world.runtime().measure_written({pod}, world.time().now() + std::chrono::seconds(10)));
    REQUIRE(written.size() == 1);
    REQUIRE(written[0].containers.size() == 1);
    CHECK(written[0].containers[0].layer.files >= 2);  // with its disk
    CHECK(written[0].containers[0].layer.bytes > 0);
    world.get(world.runtime().stop_container(key));
    auto const ended = world.wait(key);
    CHECK(ended.code == 0);
    CHECK(has(ended.reason, "stopped"));
    CHECK_FALSE(std::filesystem::exists(world.root() / "state" / "templates"));
}

TEST_CASE("what ends a machine is told apart", "[e2e][microvm]") {
    microvm_world world;
    auto const pod = world.make_sandbox();
    std::uint32_t attempt = 0;
    auto const run = [&](std::string script) {
        auto request = world.request(pod, {"sh", "-c", std::move(script)});
        request.key.attempt = attempt++;
        return world.wait(world.start(std::move(request)));
    };
    auto const panicked = run("echo c > /proc/sysrq-trigger; sleep 30");
    CHECK(panicked.code == 134);
    CHECK(has(panicked.reason, "panicked"));
    auto const off = run("poweroff -f; sleep 30");
    CHECK(off.code == 0);
    CHECK(has(off.reason, "powered itself off"));
    auto const greedy = run("echo 1 > /proc/sys/vm/overcommit_memory; exec tail -c 400000000 /dev/zero");
    INFO(greedy.code << " " << greedy.reason);
    CHECK(greedy.code == 137);
    CHECK(greedy.out_of_memory);
    CHECK(greedy.memory_limit_hit == std::int64_t{128} << 20);
}

TEST_CASE("a machine that does not come up is an error that says why, and nothing of it is left", "[e2e][microvm]") {
    microvm_world world;
    auto const pod = world.make_sandbox();
    std::uint32_t attempt = 0;
    auto const failure = [&](std::filesystem::path const& base, std::vector<std::string> command) {
        auto request = world.request(pod, std::move(command));
        request.key.attempt = attempt++;
        request.from =
            std::make_shared<image>(image{.name = "other", .digest = "sha256:1", .tree = base, .config = {}});
        return world.failure(world.runtime().start_container(std::move(request)));
    };
    auto const empty = world.root() / "empty.ext4";
    auto const damaged = world.root() / "damaged.ext4";
    test::shell("mke2fs -q -F -t ext4 " + empty.string() + " 4M && truncate -s 4M " + damaged.string());
    auto const without_init = failure(empty, {});
    CHECK(without_init.code == errc::invalid);
    CHECK(has(without_init.message, "/sbin/init"));
    auto const without_program = failure(empty, {"web"});
    CHECK(without_program.code == errc::invalid);
    CHECK(has(without_program.message, "web: No such file"));
    auto const unmounted = failure(damaged, {"sh"});
    CHECK(unmounted.code == errc::invalid);
    CHECK(has(unmounted.message, "cannot be mounted"));
    CHECK(failure(world.root() / "nothing", {"sh"}).code == errc::not_found);
    CHECK(world.machines().empty());
    CHECK(world.keepers().empty());
}

TEST_CASE("a machine that makes no progress when it boots is killed", "[e2e][microvm]") {
    microvm_world world([](microvm_options& options) { options.boot_cpu_time_max = std::chrono::seconds(1); });
    if (world.runtime().accelerated().name == "kvm") return;  // it is up within that
    auto const pod = world.make_sandbox();
    auto const stuck = world.failure(world.runtime().start_container(world.request(pod, {"sh"})));
    CHECK(stuck.code == errc::timed_out);
    CHECK(has(stuck.message, "has not said that it is up, after 1 s of its processor's time"));
    CHECK(world.machines().empty());
}

}  // namespace rik::testing
