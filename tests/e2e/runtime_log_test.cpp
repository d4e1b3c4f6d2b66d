// Logs of containers: what conmon wrote, read while it is written and rotated.
#include <rik/async/deadline.hpp>

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
    CHECK(world.read_log(key, {.must_be_whole = true}) == all);
    CHECK(world.read_log(key, {.timestamps = true, .tail_lines = 1}).substr(0, 3) == "202");
    world.get(world.runtime().remove_container(key));
    CHECK(world.read_log(key, {.tail_lines = 1}) == "end\n");
    CHECK(world.failure(world.runtime().open_log({.instance = pod, .name = "nobody"}, {})).code == errc::not_found);
}

namespace {

awaitable<result<std::string>> read_in_time(oci_world& world, log_reader& from) {
    auto reading = from.read();
    co_return co_await with_deadline(world.time(), world.time().now() + 20s, std::move(reading));
}

/// True if `text` has the numbers from `first` to `last`, a line each.
bool counts(std::string const& text, std::size_t first, std::size_t last) {
    std::string expected;
    for (auto number = first; number <= last; ++number) expected += std::to_string(number) + '\n';
    return text == expected;
}

}  // namespace

TEST_CASE("a log that grows is rotated and loses no line, neither for those who follow nor in the middle",
          "[e2e][runtime]") {
    constexpr std::size_t bytes_max = 20'000;
    constexpr std::size_t rounds = 24;             // conmon begins a log of its own after 10 and after 20 of them
    constexpr std::size_t lines_per_round = 1000;  // 50 kB with their times: at most 3 files, as many as are kept
    oci_world world([](oci_options& options) {
        options.log_file_bytes_max = bytes_max;
        options.log_check_period = 50ms;
    });
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sh", "-c",
                                                     "for i in $(seq 1 24); do seq $((i * 1000 - 999)) $((i * 1000)); "
                                                     "until test -e /dev/shm/$i; do usleep 1000; done; done"}));
    auto const logs = world.root() / "state/pods" / pod.text() / "logs";
    auto const is_rotated = [&] {
        std::error_code not_there;
        return std::filesystem::file_size(logs / "main-0.log", not_there) < bytes_max && !not_there;
    };
    auto const opened = world.get(world.runtime().open_log(key, {.follow = true}));
    for (std::size_t round = 1; round <= rounds; ++round) {
        auto const last = round * lines_per_round;
        std::string followed;
        while (std::ranges::count(followed, '\n') < static_cast<std::ptrdiff_t>(lines_per_round)) {
            auto const part = world.get(read_in_time(world, *opened));
            REQUIRE_FALSE(part.empty());
            followed += part;
        }
        REQUIRE(counts(followed, last - lines_per_round + 1, last));
        for (int look = 0; look < 500 && !is_rotated(); ++look) std::this_thread::sleep_for(10ms);
        REQUIRE(is_rotated());
        auto const kept = world.read_log(key, {});
        auto const first = std::stoul(kept);
        REQUIRE(first <= last - lines_per_round + 1);
        REQUIRE(counts(kept, first, last));
        std::ofstream(world.root() / "run/pods" / pod.text() / "shm" / std::to_string(round)) << "";  // the next round
    }
    CHECK(world.get(read_in_time(world, *opened)).empty());
    CHECK(world.failure(world.runtime().open_log(key, {.must_be_whole = true})).code == errc::exhausted);
    CHECK(std::filesystem::exists(logs / "main-0.log.1"));
    CHECK(std::filesystem::exists(logs / "main-0.log.2"));
    CHECK_FALSE(std::filesystem::exists(logs / "main-0.log.3"));
}

TEST_CASE("the two streams of a container can be told apart", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sh", "-c", "echo one; echo bad >&2; echo two; echo worse >&2"}));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key, {.only = log_origin::standard_output}) == "one\ntwo\n");
    CHECK(world.read_log(key, {.only = log_origin::standard_error}) == "bad\nworse\n");
    CHECK(world.read_log(key, {.tail_lines = 1, .only = log_origin::standard_error}) == "worse\n");
    log_frame_parser frames;
    frames.feed(world.read_log(key, {.is_framed = true}));
    std::string output;
    std::string errors;
    for (auto next = frames.next(); *next; next = frames.next())
        ((*next)->from == log_origin::standard_error ? errors : output) += (*next)->bytes;
    CHECK(output == "one\ntwo\n");
    CHECK(errors == "bad\nworse\n");
    CHECK_FALSE(frames.is_inside());
}

TEST_CASE("who follows and is slow misses nothing of what was rotated away", "[e2e][runtime]") {
    oci_world world([](oci_options& options) {
        options.log_file_bytes_max = 20'000;
        options.log_check_period = 20ms;
    });
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(
        pod, {"sh", "-c", "for i in $(seq 1 8); do seq $((i * 1000 - 999)) $((i * 1000)); usleep 200000; done"}));
    auto const opened = world.get(world.runtime().open_log(key, {.follow = true}));
    std::string all;
    for (auto part = world.get(read_in_time(world, *opened)); !part.empty();
         part = world.get(read_in_time(world, *opened))) {
        all += part;
        std::this_thread::sleep_for(50ms);
    }
    CHECK(counts(all, 1, 8000));
}

}  // namespace rik::testing
