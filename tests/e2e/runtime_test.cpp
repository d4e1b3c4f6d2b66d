// Containers on this machine: real runc, conmon, overlay, cgroups.
#include <rik/runtime/oci/oci_runtime.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
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
