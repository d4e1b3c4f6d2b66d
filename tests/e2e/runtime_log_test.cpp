// Logs of containers: what conmon wrote, read while it is written and rotated.
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace rik::testing {

using namespace std::chrono_literals;

TEST_CASE("logs: tail, time, long lines, following over rotations", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(
        world.request(pod, {"sh", "-c", "seq 1 5000; head -c 20000 /dev/zero | tr '\\0' x; echo; echo end"}));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key, {.tail_lines = 1}) == "end\n");
    CHECK(world.read_log(key, {.tail_lines = 3}) == "5000\n" + std::string(20000, 'x') + "\nend\n");
    CHECK(world.read_log(key, {.tail_lines = 0}).empty());
    auto const all = world.read_log(key, {});
    CHECK(std::ranges::count(all, '\n') == 5002);
    CHECK(all.starts_with("1\n2\n3\n"));
    CHECK(world.read_log(key, {.timestamps = true, .tail_lines = 1}).substr(0, 3) == "202");
    world.get(world.runtime().remove_container(key));
    CHECK(world.read_log(key, {.tail_lines = 1}) == "end\n");
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
        world.start(world.request(pod, {"sh", "-c", "for i in $(seq 1 60); do seq 1 100; usleep 10000; done"}));
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

}  // namespace rik::testing
