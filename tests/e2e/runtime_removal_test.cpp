// What is removed, what is not, and what stands in the way of a removal.
#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"
#include "support/scratch_directory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <sys/mount.h>
#include <unistd.h>

namespace rik::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// A directory that is mounted somewhere else, too, for as long as this lives.
class bind_mount {
public:
    bind_mount(fs::path const& from, fs::path where) : where_(std::move(where)) {
        fs::create_directories(where_);
        REQUIRE(::mount(from.c_str(), where_.c_str(), nullptr, MS_BIND, nullptr) == 0);
    }
    bind_mount(bind_mount const&) = delete;
    ~bind_mount() { ::umount2(where_.c_str(), MNT_DETACH); }

private:
    fs::path where_;
};

constexpr int full_directories = 200;

/// 200,000 names, which take a second to delete. Names, as ext4 is slow to make new files while many are deleted.
void make_many_names(fs::path const& directory) {
    for (int at = 0; at < full_directories; ++at) {
        auto const full = directory / std::to_string(at);
        fs::create_directories(full);
        std::ofstream(full / "file") << "";
        for (int name = 1; name < 1000; ++name) fs::create_hard_link(full / "file", full / std::to_string(name));
    }
}

std::ptrdiff_t count_entries(fs::path const& directory) {
    std::error_code gone;
    return std::distance(fs::directory_iterator(directory, gone), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a stop does not wait until the trash is empty, and the next runtime empties it", "[e2e][runtime]") {
    oci_world world;
    make_many_names(world.root() / "many");
    auto const trash = world.root() / "state/trash";
    fs::rename(world.root() / "many", trash / "many-1");
    auto other = world.open();
    auto const has_begun = [&] { return count_entries(trash / "many-1") < full_directories; };
    for (int look = 0; look < 10'000 && !has_begun(); ++look) std::this_thread::sleep_for(1ms);
    world.close(std::move(other));
    CHECK_FALSE(fs::is_empty(trash));
    other = world.open();
    for (int look = 0; look < 6000 && !fs::is_empty(trash); ++look) std::this_thread::sleep_for(10ms);
    CHECK(fs::is_empty(trash));
    world.close(std::move(other));
}

TEST_CASE("a lost or damaged boot id costs running containers nothing, nor what is mounted in them", "[e2e][runtime]") {
    oci_world world;
    scratch_directory const precious;
    std::ofstream(precious.path() / "file") << "precious";
    auto const pod = world.make_sandbox();
    auto const key =
        world.start(world.request(pod, {"sh", "-c", "until test -e /go; do usleep 1000; done; cat /etc/passwd"}));
    auto const bundle = world.root() / "run/pods" / pod.text() / "containers/main-0";
    bind_mount const foreign(precious.path(), bundle / "rootfs/mnt");
    auto const boot_id = world.root() / "run/boot_id";
    auto const known = read_text(boot_id);
    auto const damage = GENERATE(0, 1, 2);
    if (damage == 0) fs::remove(boot_id);
    if (damage == 1) std::ofstream(boot_id) << "";
    if (damage == 2) std::ofstream(boot_id) << std::string(10'000, 'x');
    auto other = world.open();
    CHECK(read_text(boot_id) == known);
    CHECK(read_text(precious.path() / "file") == "precious");
    auto const found = world.get(other->list());
    REQUIRE(found.size() == 1);
    CHECK(found[0].is_whole);
    CHECK(found[0].containers.at(0).running);
    std::ofstream(bundle / "rootfs/go") << "";
    CHECK(world.get(other->wait_container(key)).code == 0);
    CHECK(world.read_log(key, {.follow = true}).starts_with("root:"));
    world.close(std::move(other));
    world.get(world.runtime().remove_all());
    CHECK(read_text(precious.path() / "file") == "precious");
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a run directory behind a symbolic link leaves no mount", "[e2e][runtime]") {
    scratch_directory const links;
    oci_world world([&](oci_options& options) {
        auto const link = links.path() / options.tag;
        if (!fs::exists(link)) fs::create_directory_symlink(options.run_dir.parent_path(), link);
        options.run_dir = link / "run";
    });
    auto const pod = world.make_sandbox();
    world.start(world.request(pod, {"sleep", "1000"}));
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(read_text("/proc/self/mountinfo").find(pod.text()) == std::string::npos);
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a conmon that hangs goes with its container, in whatever cgroup it is", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    auto const text = read_text(world.root() / "run/pods" / pod.text() / "containers/main-0/conmon.pid");
    auto const monitor = std::stoi(text);
    auto const group = [](std::string const& file) {
        auto const groups = "\n" + read_text(file);
        auto const at = groups.find("\n0::");
        return groups.substr(at + 4, groups.find('\n', at + 1) - at - 4);
    };
    auto const is_moved = [&] { return group("/proc/" + text + "/cgroup").find(world.tag()) != std::string::npos; };
    for (int look = 0; look < 500 && !is_moved(); ++look) std::this_thread::sleep_for(10ms);
    REQUIRE(is_moved());
    auto const unified = fs::exists("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    std::ofstream(unified + group("/proc/self/cgroup") + "/cgroup.procs") << text;  // as where there is only v1
    REQUIRE_FALSE(is_moved());
    ::kill(monitor, SIGSTOP);
    world.get(world.runtime().remove_container(key));
    CHECK(read_text("/proc/" + text + "/cmdline").empty());  // gone, or a zombie of init's
}

TEST_CASE("containers that cannot be killed hold up no other Pod", "[e2e][runtime]") {
    fs::path const freezer = "/sys/fs/cgroup/freezer";
    if (!fs::exists(freezer)) return;  // no v1: what is frozen there can be killed
    oci_world world;
    std::vector<fs::path> frozen;
    std::vector<std::future<result<void>>> removals;
    for (int count = 0; count < 3; ++count) {  // as many as the pool has threads
        auto const pod = world.make_sandbox();
        world.start(world.request(pod, {"sleep", "1000"}));
        frozen.push_back(freezer / ("rik-" + world.tag()) / pod.text() / "main-0/freezer.state");
        REQUIRE(std::ofstream(frozen.back()) << "FROZEN" << std::flush);
        removals.push_back(asio::co_spawn(world.executor(), world.runtime().remove_sandbox(pod), asio::use_future));
    }
    std::this_thread::sleep_for(100ms);
    auto const began = world.time().now();
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sleep", "1000"}));
    world.get(world.runtime().kill_container(key));
    CHECK(world.wait(key).code == 137);
    CHECK(world.time().now() - began < 2s);
    for (auto const& each : frozen) std::ofstream(each) << "THAWED";
    for (auto& each : removals) CHECK(each.get().has_value());
}

}  // namespace rik::testing
