// Logs of containers: what conmon wrote, read while it is written and rotated.
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

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
    constexpr std::size_t bytes_max = 20'000;
    constexpr std::size_t rounds = 6;
    constexpr std::size_t lines_per_round = 1000;  // 50 kB with their times: at most 3 files, as many as are kept
    oci_world world([](oci_options& options) {
        options.log_file_bytes_max = bytes_max;
        options.log_check_period = 100ms;
    });
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sh", "-c",
                                                     "for i in $(seq 1 6); do seq 1 1000; "
                                                     "until test -e /dev/shm/$i; do usleep 1000; done; done"}));
    auto const logs = world.root() / "state/pods" / pod.text() / "logs";
    auto const is_rotated = [&] {
        std::error_code not_there;
        return std::filesystem::file_size(logs / "main-0.log", not_there) < bytes_max && !not_there;
    };
    auto const opened = world.get(world.runtime().open_log(key, {.follow = true}));
    std::size_t lines = 0;
    for (std::size_t round = 1; round <= rounds; ++round) {
        while (lines < round * lines_per_round) {
            auto const part = world.get(opened->read());
            REQUIRE_FALSE(part.empty());
            lines += static_cast<std::size_t>(std::ranges::count(part, '\n'));
        }
        for (int look = 0; look < 500 && !is_rotated(); ++look) std::this_thread::sleep_for(10ms);
        REQUIRE(is_rotated());
        std::ofstream(world.root() / "run/pods" / pod.text() / "shm" / std::to_string(round)) << "";  // the next round
    }
    CHECK(world.get(opened->read()).empty());
    CHECK(lines == rounds * lines_per_round);
    CHECK(std::filesystem::exists(logs / "main-0.log.1"));
    CHECK(std::filesystem::exists(logs / "main-0.log.2"));
    CHECK_FALSE(std::filesystem::exists(logs / "main-0.log.3"));
}

}  // namespace rik::testing
