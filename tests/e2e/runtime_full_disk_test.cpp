// Containers on a disk on which nothing more can be written.
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/mount.h>
#include <sys/statvfs.h>

namespace rik::testing {

using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A file system of its own, of so many bytes and files, for the state of a runtime.
class small_disk {
public:
    explicit small_disk(std::string const& size) {
        std::string place = "/tmp/rik-small-disk-XXXXXX";
        if (::mkdtemp(place.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = place;
        auto const options = "mode=0755," + size;
        if (::mount("rik-small-disk", path_.c_str(), "tmpfs", 0, options.c_str()) != 0)
            throw std::runtime_error("mount tmpfs");
    }
    small_disk(small_disk const&) = delete;
    ~small_disk() {
        ::umount2(path_.c_str(), MNT_DETACH);
        std::error_code ignored;
        fs::remove(path_, ignored);
    }

    fs::path state() const { return path_ / "state"; }
    /// Nothing is free any more, neither bytes nor files.
    void fill() const {
        fill_with_files();
        std::ofstream(path_ / "file-0") << std::string(64u << 20, 'x');
    }
    void fill_with_files() const {
        for (int i = 0; free_files() > 0 && i < 100'000; ++i) std::ofstream(path_ / ("file-" + std::to_string(i)));
    }
    void make_room() const {
        for (auto const& each : fs::directory_iterator(path_))
            if (each.is_regular_file()) fs::remove(each);
    }
    std::size_t free_files() const { return about().f_ffree; }
    std::size_t free_bytes() const { return about().f_bfree * about().f_frsize; }

private:
    struct statvfs about() const {
        struct statvfs found {};
        ::statvfs(path_.c_str(), &found);
        return found;
    }
    fs::path path_;
};

std::function<void(oci_options&)> on(small_disk const& disk) {
    return [&disk](oci_options& options) { options.state_dir = disk.state(); };
}

}  // namespace

TEST_CASE("a container that has filled the disk ends, although conmon cannot write how", "[e2e][runtime][full]") {
    small_disk const disk("size=8m,nr_inodes=500");
    oci_world world(on(disk));
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(
        pod, {"sh", "-c", "dd if=/dev/zero of=/fill bs=64k 2>/dev/null; echo said; echo more >&2; exit 3"}));
    auto const ended = world.wait(key);
    CHECK((ended.code == 3 || !ended.code_known));
    CHECK(disk.free_bytes() < 100'000);
    world.get(world.runtime().remove_sandbox(pod));
    world.get(world.runtime().await_deleted(world.time().now() + 10s));
    CHECK(disk.free_bytes() > 7'000'000);
}

TEST_CASE("a container is ended and removed on a disk on which nothing can be written", "[e2e][runtime][full]") {
    small_disk const disk("size=8m,nr_inodes=500");
    oci_world world(on(disk));
    auto const pod = world.make_sandbox();
    auto const stopped =
        world.start(world.request(pod, {"sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.01; done"}, "stopped"));
    auto const killed = world.start(
        world.request(pod, {"sh", "-c", "i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.01; done"}, "killed"));
    std::this_thread::sleep_for(200ms);
    disk.fill();
    REQUIRE(disk.free_bytes() == 0);
    REQUIRE(disk.free_files() == 0);
    CHECK(world.get(world.runtime().list()).size() == 1);
    world.get(world.runtime().stop_container(stopped));
    auto const ended = world.wait(stopped);
    CHECK((ended.code == 5 || !ended.code_known));
    std::this_thread::sleep_for(300ms);
    auto const log_before = world.read_log(killed, {});
    disk.make_room();
    std::this_thread::sleep_for(300ms);
    auto const log_after = world.read_log(killed, {});
    CHECK(log_after.size() > log_before.size());  // it has written on
    disk.fill();
    REQUIRE(disk.free_bytes() == 0);
    world.get(world.runtime().kill_container(killed));
    CHECK(world.wait(killed).code == 137);
    world.get(world.runtime().remove_container(stopped));
    world.get(world.runtime().vacate_sandbox(pod));
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(world.get(world.runtime().list()).empty());
}

TEST_CASE("a log that has to be rotated while no file can be made ends no container", "[e2e][runtime][full]") {
    small_disk const disk("size=16m,nr_inodes=500");
    auto const quickly = [&](oci_options& options) {
        options.state_dir = disk.state();
        options.container_log_file_bytes_max = 4'000;
        options.container_log_check_period = 20ms;
    };
    oci_world world(quickly);
    auto const pod = world.make_sandbox();
    auto const writer =
        world.start(world.request(pod, {"sh", "-c", "i=0; while :; do echo line $i; i=$((i + 1)); usleep 1000; done"}));
    auto const log = disk.state() / "pods" / pod.text() / "logs" / "main-0.log";
    disk.fill_with_files();
    REQUIRE(disk.free_files() == 0);
    auto const is_large = [&] { return fs::exists(log) && fs::file_size(log) > 8'000; };
    for (int tries = 0; tries < 250 && !is_large(); ++tries) std::this_thread::sleep_for(20ms);
    CHECK(is_large());  // it was not rotated
    CHECK(world.get(world.runtime().measure_usage({pod})).at(0).containers.at(0).process_count > 0);
    disk.make_room();
    auto const is_small = [&] { return fs::exists(log) && fs::file_size(log) < 8'000; };
    for (int tries = 0; tries < 200 && !is_small(); ++tries) std::this_thread::sleep_for(20ms);
    CHECK(is_small());
    world.get(world.runtime().kill_container(writer));
    CHECK(world.wait(writer).code_known);
}

TEST_CASE("what instances have written is measured anew at once", "[e2e][runtime][full]") {
    oci_world world;
    auto const pod = world.new_instance();
    sandbox_request wanted{.instance = pod, .hostname = "pod", .addresses = {}};
    wanted.volumes = {{.name = "data", .source = empty_dir{}},
                      {.name = "fast", .source = empty_dir{.is_in_memory = true}}};
    world.get(world.runtime().create_sandbox(std::move(wanted)));
    auto request = world.request(
        pod,
        {"sh", "-c",
         "head -c 2000000 /dev/zero > /data/x; ln /data/x /data/y; i=0; while test $i -lt 300; do i=$((i + 1)); "
         ": > /$i; done; echo up; read line < /fast/fifo; head -c 3000000 /dev/zero > /mine; echo again; sleep 1000"});
    request.definition.mounts = {{"data", "/data"}, {"fast", "/fast"}};
    request.definition.command->at(2).insert(0, "mkfifo /fast/fifo; ");
    auto const key = world.start(std::move(request));
    auto const log = world.get(world.runtime().open_container_log(key, {.follow = true}));
    for (std::string all; !all.ends_with("up\n");) all += world.get(log->read());
    auto const measure = [&] {
        auto const all =
            world.get(world.runtime().measure_written({pod, world.new_instance()}, world.time().now() + 10s));
        REQUIRE(all.size() == 1);
        CHECK(all[0].instance == pod);
        CHECK(all[0].is_complete);
        REQUIRE(all[0].containers.size() == 1);
        REQUIRE(all[0].volumes.size() == 1);
        CHECK(all[0].volumes[0].name == "data");
        return all[0];
    };
    auto const before = measure();
    CHECK(before.containers[0].name == "main");
    CHECK(before.containers[0].layer.files > 300);
    CHECK(before.containers[0].layer.files < 320);
    CHECK(before.containers[0].layer.bytes < 1'000'000);
    CHECK(before.containers[0].log_bytes > 0);
    CHECK(before.volumes[0].held.bytes >= 2'000'000);
    CHECK(before.volumes[0].held.bytes < 2'100'000);  // although it has two names
    CHECK(before.volumes[0].held.files == 2);
    auto const fifo = world.root() / "run" / "pods" / pod.text() / "volumes" / "fast" / "fifo";
    std::ofstream(fifo) << "go\n";
    for (std::string all; !all.ends_with("again\n");) all += world.get(log->read());
    CHECK(measure().containers[0].layer.bytes >= 3'000'000);
    auto const at_once = world.get(world.runtime().measure_written({pod}, world.time().now()));
    REQUIRE(at_once.size() == 1);
    CHECK_FALSE(at_once[0].is_complete);
}

}  // namespace rik::testing
