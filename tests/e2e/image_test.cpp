// The image store with real skopeo, umoci and a registry on the loopback. Needs root.
#include <rik/runtime/oci/linux_host.hpp>
#include <rik/runtime/process.hpp>

#include "support/image_store_fixture.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <latch>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using fixture = image_store_fixture;

TEST_CASE("an image is pulled once, unpacked, and found again after a restart", "[e2e][images]") {
    fixture f;
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const name = registry.push(rik::testing::make_busybox_layout(f.layout(), "1", plain_image()), "busybox:1");
    f.open({registry.address()});
    auto const cold = std::chrono::steady_clock::now();
    auto const first = f.get(name);
    WARN("cold: " << to_short_string(std::chrono::steady_clock::now() - cold));
    CHECK(first->name == name);
    CHECK(fs::exists(first->tree / "bin/busybox"));
    CHECK(fs::is_symlink(first->tree / "bin/sh"));
    CHECK(read(first->tree / "hello") == "first");
    CHECK((fs::status(first->tree / "tmp").permissions() & fs::perms::sticky_bit) != fs::perms::none);
    // What each of its containers would need else: see furnish_tree.
    for (auto const* each : {"etc/hosts", "etc/hostname", "etc/resolv.conf"})
        CHECK(fs::is_regular_file(first->tree / each));
    CHECK(first->config.entrypoint == std::vector<std::string>{"/bin/sh", "-c"});
    CHECK(first->config.cmd == std::vector<std::string>{"sleep 1000"});
    CHECK(first->config.env == std::vector<std::string>{"FOO=bar baz"});
    CHECK(first->config.user == "app");
    CHECK(first->config.working_dir == "/tmp");
    CHECK(first->config.stop_signal == "SIGINT");
    auto const told = rik::testing::run_tool(
        "skopeo", {"inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://" + name});
    CHECK(told == first->digest + "\n");

    registry.stop();  // from here on nothing can be pulled
    auto took = std::chrono::steady_clock::duration::max();
    for (int count = 0; count < 10; ++count) {  // the quickest: in others another program may have had the processor
        auto const warm = std::chrono::steady_clock::now();
        CHECK(f.get(name) == first);
        took = std::min(took, std::chrono::steady_clock::now() - warm);
    }
    WARN("warm: " << took.count() / 1000 << " us");
    CHECK(took < 1ms);
    f.close();
    f.open({registry.address()});
    auto const again = f.get(name);
    CHECK(again->digest == first->digest);
    CHECK(again->tree == first->tree);
    CHECK(again->config.cmd == first->config.cmd);
    CHECK(f.sink.pulls == 1);
    CHECK(fs::is_empty(f.directory.path() / "state/images/tmp"));
}

TEST_CASE("callers of one name at once share one pull, and one may leave", "[e2e][images]") {
    fixture f;
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({});
    std::vector<std::optional<result<image_ptr>>> got(11);
    task_group callers(f.io.get_executor());
    task_group leaver(f.io.get_executor());
    leaver.spawn(ensure_into(*f.store, name, got[10]));  // the first: it must not take the pull with it
    for (std::size_t i = 0; i < 10; ++i) callers.spawn(ensure_into(*f.store, name, got[i]));
    callers.spawn(cancel_after(leaver, 5ms));
    f.io.restart();
    f.io.run();
    CHECK(!got[10].has_value());
    for (std::size_t i = 0; i < 10; ++i) {
        REQUIRE(got[i].has_value());
        REQUIRE(got[i]->has_value());
        CHECK(**got[i] == **got[0]);  // the same object
    }
    CHECK(f.sink.pulls == 1);
}

TEST_CASE("a pull that nobody waits for any more gives its slot to others", "[e2e][images]") {
    fixture f;
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    silent_registry const silent;
    auto const stuck = silent.address() + "/busybox:1";
    f.open({silent.address()}, 1);
    auto const began = std::chrono::steady_clock::now();
    std::optional<result<image_ptr>> never;
    std::optional<result<image_ptr>> got;
    task_group leaver(f.io.get_executor());
    task_group stayer(f.io.get_executor());
    leaver.spawn(ensure_into(*f.store, stuck, never));
    stayer.spawn(ensure_into(*f.store, name, got));
    stayer.spawn(cancel_after(leaver, 200ms));
    f.io.restart();
    f.io.run();
    CHECK_FALSE(never.has_value());
    REQUIRE(got.has_value());
    CHECK(got->has_value());
    CHECK(std::chrono::steady_clock::now() - began < 15s);

    // Who comes while such a pull is being cancelled gets one of his own.
    leaver.spawn(ensure_into(*f.store, stuck, never));
    rik::testing::run_ready(f.io);
    leaver.cancel();
    got.reset();
    stayer.spawn(ensure_into(*f.store, stuck, got));
    f.io.restart();
    f.io.run();
    CHECK_FALSE(never.has_value());
    REQUIRE(got.has_value());
    CHECK(got->error().code == errc::unavailable);
}

TEST_CASE("a registry that hangs holds up its own images only", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    auto const file = rik::testing::make_busybox_layout(f.layout(), "1", what);
    rik::testing::test_registry good(f.directory.path() / "registry");
    auto const pulled = good.push(file, "busybox:1");
    silent_registry const silent;
    f.open({silent.address(), good.address()});
    std::vector<std::optional<result<image_ptr>>> never(3 * limits::pulls_per_registry_max);
    task_group hanging(f.io.get_executor());
    for (std::size_t i = 0; i < never.size(); ++i) {
        hanging.spawn(ensure_into(*f.store, silent.address() + "/x" + std::to_string(i) + ":1", never[i]));
    }
    rik::testing::run_ready(f.io);
    auto const began = std::chrono::steady_clock::now();
    CHECK(f.get(pulled)->config.user == "app");
    CHECK(f.get(file)->config.user == "app");
    CHECK(std::chrono::steady_clock::now() - began < 15s);  // before the pulls that hang are given up
    for (auto const& each : never) CHECK_FALSE(each.has_value());
    rik::testing::run(f.io, hanging.stop());
}

TEST_CASE("a question that its registry does not answer holds up no question of another", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    auto const file = rik::testing::make_busybox_layout(f.layout(), "1", what);
    rik::testing::test_registry good(f.directory.path() / "good");
    rik::testing::test_registry bad(f.directory.path() / "bad");
    f.open({good.address(), bad.address()});
    std::vector<std::string> names;
    for (std::size_t i = 0; i < limits::questions_per_registry_max + 2; ++i) {
        names.push_back(bad.push(file, "x" + std::to_string(i) + ":latest"));
        f.get(names.back());
    }
    auto const moved = good.push(file, "busybox:latest");
    auto const first = f.get(moved)->digest;
    what.files = {{"/hello", "second"}};
    good.push(rik::testing::make_busybox_layout(f.layout(), "2", what), "busybox:latest");
    bad.stop();
    silent_registry const silent(bad.port());
    f.time.pass(61s);
    std::vector<std::optional<result<image_ptr>>> copies(names.size());
    task_group asking(f.io.get_executor());
    for (std::size_t i = 0; i < names.size(); ++i) asking.spawn(ensure_into(*f.store, names[i], copies[i]));
    rik::testing::run_ready(f.io);
    CHECK(f.get(moved)->digest != first);
    rik::testing::run(f.io, asking.join());
    for (auto const& each : copies) CHECK(each->has_value());
}

TEST_CASE("a stopped store tells who waits, and the next start repairs what was half done", "[e2e][images]") {
    fixture f;
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({});
    for (auto const pause : {1ms, 10ms, 30ms, 50ms, 70ms}) {
        std::optional<result<image_ptr>> got;
        task_group callers(f.io.get_executor());
        callers.spawn(ensure_into(*f.store, name, got));
        callers.spawn(stop_after(*f.store, pause));
        f.io.restart();
        f.io.run();
        REQUIRE(got.has_value());
        if (!*got) CHECK(got->error().code == errc::unavailable);
        f.close();
        f.open({});
    }
    CHECK(fs::is_empty(f.directory.path() / "state/images/tmp"));
    auto const whole = f.get(name);
    CHECK(read(whole->tree / "hello") == "first");

    f.close();  // power was lost before the mark was written
    fs::remove(tree_of(whole) / "complete");
    fs::remove(whole->tree / "hello");
    f.open({});
    CHECK(!fs::exists(tree_of(whole)));
    CHECK(read(f.get(name)->tree / "hello") == "first");
    fs::remove_all(tree_of(whole));  // under the store's feet
    CHECK(read(f.get(name)->tree / "hello") == "first");
}

TEST_CASE("a cancelled pull leaves nothing half done", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    for (int count = 0; count < 2000; ++count) what.files.emplace_back("/many/" + std::to_string(count), "x");
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", what);
    f.open({});
    auto const images = f.directory.path() / "state/images";
    std::optional<result<image_ptr>> got;
    bool is_unpacking = false;
    task_group leaver(f.io.get_executor());
    task_group watcher(f.io.get_executor());
    leaver.spawn(ensure_into(*f.store, name, got));
    watcher.spawn(cancel_while_unpacking(leaver, images / "tmp", is_unpacking));
    f.io.restart();
    f.io.run();
    CHECK(is_unpacking);
    CHECK_FALSE(got.has_value());
    for (auto const* each : {"tmp", "layouts", "blobs/sha256"}) CHECK(fs::is_empty(images / each));
    CHECK(f.get(name)->config.user == "app");
    CHECK(fs::is_empty(images / "tmp"));
}

TEST_CASE("tools that a killed rik has left behind end with the next start, and with the removal", "[e2e][images]") {
    fixture f;
    silent_registry const silent;
    auto const images = f.directory.path() / "state/images";
    command what{.program = find_program("skopeo").value()};
    what.arguments = {"copy", "--src-tls-verify=false", "docker://" + silent.address() + "/x:1",
                      "oci:" + (images / "layouts/x").string() + ":rik"};
    auto const runs = [](rik::child_process const& which) {
        auto const stat = read("/proc/" + std::to_string(which.pid()) + "/stat");
        return !stat.empty() && stat.find(") Z ") == stat.npos;
    };
    auto const start = [&] {
        auto started = rik::child_process::start(f.io.get_executor(), what).value();
        // The kernel lets us go on a moment before it shows what the child was started with.
        while (read("/proc/" + std::to_string(started.pid()) + "/environ").empty()) ::usleep(1000);
        return started;
    };
    fs::create_directories(images / "layouts/x");
    auto of_start = start();
    what.arguments.back() = "oci:" + (f.directory.path() / "other").string() + ":rik";
    auto foreign = start();
    REQUIRE(runs(of_start));
    f.open({});
    CHECK_FALSE(runs(of_start));
    f.close();
    what.arguments = {"inspect", "docker://" + silent.address() + "/x:1"};
    what.environment = {"PATH=/usr/bin", "TMPDIR=" + (images / "tmp").string()};
    auto of_removal = start();
    CHECK(oci_images::remove_all(f.directory.path() / "state").has_value());
    CHECK_FALSE(runs(of_removal));
    CHECK(runs(foreign));
    for (auto* each : {&of_start, &foreign, &of_removal}) (void)each->signal(SIGKILL);
    CHECK(rik::testing::run(f.io, foreign.wait()).has_value());
}

TEST_CASE("a damaged blob of an earlier pull is fetched again", "[e2e][images]") {
    fixture f;
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    f.open({});
    auto const whole = f.get(name);
    fs::remove_all(tree_of(whole));
    for (auto const& each : fs::directory_iterator(f.directory.path() / "state/images/blobs/sha256")) {
        std::string const zeros(fs::file_size(each.path()), '\0');  // as power loss leaves files
        std::ofstream(each.path(), std::ios::binary) << zeros;
    }
    CHECK(read(f.get(name)->tree / "hello") == "first");
}

TEST_CASE("a layout that changed is read again, one that is away is served from its copy", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    auto const name = rik::testing::make_busybox_layout(f.layout(), "1", what);
    f.open({});
    auto const first = f.get(name);
    what.files = {{"/hello", "second"}};
    rik::testing::make_busybox_layout(f.layout(), "1", what);
    auto const second = f.get(name);
    CHECK(first->digest != second->digest);
    CHECK(read(second->tree / "hello") == "second");
    CHECK(read(first->tree / "hello") == "first");  // something may still run on it
    fs::rename(f.layout(), f.layout() + "-away");
    CHECK(f.get(name)->digest == second->digest);
    CHECK(f.sink.warnings == 1);
}

TEST_CASE("a look at a file that hangs holds up no image of a registry", "[e2e][images]") {
    fixture f;
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const file = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    auto const pulled = registry.push(file, "busybox:1");
    f.open({registry.address()});
    auto const first = f.get(pulled);
    auto const local = f.get(file);
    std::latch answers(1);  // the pool stands still as if its threads looked at a file system that is away
    for (int i = 0; i < 2; ++i) asio::post(f.pool, [&] { answers.wait(); });
    std::optional<result<image_ptr>> of_file;
    std::optional<result<image_ptr>> of_leaver;
    task_group waiters(f.io.get_executor());
    task_group leaver(f.io.get_executor());
    waiters.spawn(ensure_into(*f.store, file, of_file));
    leaver.spawn(ensure_into(*f.store, file, of_leaver));
    rik::testing::run_ready(f.io);
    CHECK_FALSE(of_file.has_value());
    CHECK(f.get(pulled) == first);
    leaver.cancel();
    rik::testing::run(f.io, leaver.join());  // whoever gives up need not wait either
    CHECK_FALSE(of_leaver.has_value());
    answers.count_down();
    rik::testing::run(f.io, waiters.join());
    REQUIRE(of_file.has_value());
    CHECK(of_file->value() == local);
}

TEST_CASE("a pull that cannot work says why and what to do", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const name = registry.push(rik::testing::make_busybox_layout(f.layout(), "1", what), "busybox:1");
    f.open({});
    auto const https = f.ensure(name);
    REQUIRE(!https.has_value());
    CHECK(https.error().code == errc::unavailable);
    CHECK(https.error().remedy == "start rik with --insecure-registry " + registry.address());
    f.close();
    f.open({registry.address()});
    CHECK(f.code_of(registry.address() + "/busybox:2") == errc::not_found);
    CHECK(f.code_of(registry.address() + "/other") == errc::not_found);
    CHECK(f.code_of(name + "@sha256:" + std::string(64, '0')) == errc::not_found);
    CHECK(f.code_of("oci:" + f.layout() + ":nope") == errc::not_found);
    CHECK(f.code_of("oci:/no/such/layout") == errc::not_found);
    CHECK(f.code_of("docker-archive:" + f.layout() + "/index.json") == errc::corrupt);
    CHECK(f.code_of("../x") == errc::invalid);
    what.architecture = machine_is_amd64() ? "arm64" : "amd64";
    CHECK(f.code_of(rik::testing::make_busybox_layout(f.layout(), "foreign", what)) == errc::unsupported);
    registry.stop();
    CHECK(f.code_of(registry.address() + "/busybox:2") == errc::unavailable);
    CHECK(fs::is_empty(f.directory.path() / "state/images/tmp"));
    CHECK(f.get("oci:" + f.layout() + ":1")->config.user == "app");
}

TEST_CASE("a docker archive is an image too, and all are removed at once", "[e2e][images]") {
    fixture f;
    auto const source = rik::testing::make_busybox_layout(f.layout(), "1", plain_image());
    auto const archive = f.directory.path() / "x.tar";
    rik::testing::run_tool("skopeo", {"copy", "-q", source, "docker-archive:" + archive.string() + ":x:1"});
    f.open({});
    CHECK(f.get("docker-archive:" + archive.string())->config.user == "app");
    CHECK(f.get("docker-archive:" + archive.string() + ":x:1")->config.user == "app");
    f.close();
    CHECK(oci_images::remove_all(f.directory.path() / "state").has_value());
    CHECK(!fs::exists(f.directory.path() / "state/images"));
}

TEST_CASE("the host says what it is and offers", "[e2e][host]") {
    rik::testing::temporary_directory directory;
    linux_host real(linux_host_options{.state_directory = directory.path() / "not/yet"});
    auto const facts = rik::testing::run(real.describe());
    REQUIRE(facts.has_value());
    CHECK(!facts->name.empty());
    CHECK(facts->boot_id.size() == 36);
    CHECK(facts->capacity.get(resource::cpu) >= 100);
    CHECK(facts->capacity.get(resource::memory) > 100'000'000);
    CHECK(facts->capacity.get(resource::storage) > 100'000'000);
    CHECK(facts->capacity.get(resource::pods) == 110);
    CHECK(facts->labels.at("rik.dev/os") == "linux");
    CHECK(facts->labels.at("rik.dev/hostname") == facts->name);
    CHECK(facts->labels.at("kubernetes.io/os") == "linux");
    CHECK(facts->labels.at("kubernetes.io/arch") == facts->labels.at("rik.dev/arch"));
    CHECK(facts->labels.at("kubernetes.io/hostname") == facts->name);
    for (auto const& each : facts->addresses) CHECK(!each.starts_with("127."));
    linux_host_options made_up{.state_directory = directory.path(), .name = "n1"};
    made_up.capacity.emplace().set(resource::cpu, 500);
    linux_host other(made_up);
    auto const told = rik::testing::run(other.describe());
    REQUIRE(told.has_value());
    CHECK(told->name == "n1");
    CHECK(told->capacity == *made_up.capacity);
}
