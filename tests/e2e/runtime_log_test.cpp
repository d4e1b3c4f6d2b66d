// Logs of containers: what conmon wrote, read while it is written and rotated.
#include <rik/async/deadline.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

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
}

namespace {

awaitable<result<std::string>> read_in_time(oci_world& world, container_log_reader& from) {
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
        options.container_log_file_bytes_max = bytes_max;
        options.container_log_check_period = 50ms;
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
    auto const opened = world.get(world.runtime().open_container_log(key, {.follow = true}));
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
    CHECK(world.failure(world.runtime().open_container_log(key, {.must_be_whole = true})).code == errc::exhausted);
    CHECK(std::filesystem::exists(logs / "main-0.log.1"));
    CHECK(std::filesystem::exists(logs / "main-0.log.2"));
    CHECK_FALSE(std::filesystem::exists(logs / "main-0.log.3"));
}

TEST_CASE("the two streams of a container can be told apart", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"sh", "-c", "echo one; echo bad >&2; echo two; echo worse >&2"}));
    CHECK(world.wait(key).code == 0);
    CHECK(world.read_log(key, {.only = container_log_origin::standard_output}) == "one\ntwo\n");
    CHECK(world.read_log(key, {.only = container_log_origin::standard_error}) == "bad\nworse\n");
    CHECK(world.read_log(key, {.tail_lines = 1, .only = container_log_origin::standard_error}) == "worse\n");
    container_log_frame_parser frames;
    frames.feed(world.read_log(key, {.is_framed = true}));
    std::string output;
    std::string errors;
    for (auto next = frames.next(); *next; next = frames.next())
        ((*next)->from == container_log_origin::standard_error ? errors : output) += (*next)->bytes;
    CHECK(output == "one\ntwo\n");
    CHECK(errors == "bad\nworse\n");
    CHECK_FALSE(frames.is_inside());
}

TEST_CASE("who follows and is slow misses nothing of what was rotated away", "[e2e][runtime]") {
    oci_world world([](oci_options& options) {
        options.container_log_file_bytes_max = 20'000;
        options.container_log_check_period = 20ms;
    });
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(
        pod, {"sh", "-c", "for i in $(seq 1 8); do seq $((i * 1000 - 999)) $((i * 1000)); usleep 200000; done"}));
    auto const opened = world.get(world.runtime().open_container_log(key, {.follow = true}));
    std::string all;
    for (auto part = world.get(read_in_time(world, *opened)); !part.empty();
         part = world.get(read_in_time(world, *opened))) {
        all += part;
        std::this_thread::sleep_for(50ms);
    }
    CHECK(counts(all, 1, 8000));
}

namespace {

/// What a reader gets, taken apart.
struct reading {
    std::string output;
    std::string after;              ///< the last mark
    std::string output_before_gap;  ///< if there was one
    std::vector<container_log_mark> gaps;

    void add(std::string const& bytes) {
        frames.feed(bytes);
        for (auto next = frames.next(); *next; next = frames.next()) {
            if ((*next)->from != container_log_origin::mark) {
                output += (*next)->bytes;
                continue;
            }
            auto const mark = parse_container_log_mark((*next)->bytes).value();
            if (!mark.after.empty()) after = mark.after;
            if (!mark.is_gap) continue;
            gaps.push_back(mark);
            output_before_gap = output;
        }
    }

private:
    container_log_frame_parser frames;
};

container_log_options with_marks(bool follow, std::string const& after = {}) {
    container_log_options options{.follow = follow, .is_framed = true, .has_marks = true};
    if (!after.empty()) options.after = parse_container_log_position(after).value();
    return options;
}

/// One that writes lines with the numbers from 1 on, those up to `last` as soon as it is told.
class counter {
public:
    explicit counter(oci_world& world) : world_(world), pod_(world.make_sandbox()) {
        key_ = world.start(world.request(
            pod_,
            {"sh", "-c",
             "i=1; while true; do until read last </dev/shm/last; do usleep 1000; done 2>/dev/null; "
             "[ $last -ge $i ] && seq $i $last && i=$((last + 1)); test -e /dev/shm/end && exit; usleep 1000; done"}));
    }
    container_key const& key() const { return key_; }
    std::filesystem::path log() const { return world_.root() / "state/pods" / pod_.text() / "logs/main-0.log"; }
    void count_to(int last) {
        auto const shared = world_.root() / "run/pods" / pod_.text() / "shm";
        std::ofstream(shared / "new") << last << '\n';
        std::filesystem::rename(shared / "new", shared / "last");
    }
    void end() {
        std::ofstream(world_.root() / "run/pods" / pod_.text() / "shm/end") << "";
        CHECK(world_.wait(key_).code == 0);
    }

private:
    oci_world& world_;
    instance_id pod_;
    container_key key_;
};

/// Until the output ends with this line.
void read_to(oci_world& world, container_log_reader& from, reading& into, int last) {
    auto const line = "\n" + std::to_string(last) + "\n";
    while (!into.output.ends_with(line)) {
        auto const part = world.get(read_in_time(world, from));
        REQUIRE_FALSE(part.empty());
        into.add(part);
    }
}

}  // namespace

TEST_CASE("who goes on at a mark misses nothing and gets nothing twice, over rotations and with another runtime",
          "[e2e][runtime]") {
    oci_world world([](oci_options& options) {
        options.container_log_file_bytes_max = 20'000;
        options.container_log_check_period = 20ms;
    });
    counter writes(world);
    reading all;
    writes.count_to(100);
    {
        auto const first = world.get(world.runtime().open_container_log(writes.key(), with_marks(true)));
        read_to(world, *first, all, 100);
    }
    writes.count_to(600);  // more than a file
    auto const rotated = std::filesystem::path(writes.log()) += ".1";
    for (int look = 0; look < 500 && !std::filesystem::exists(rotated); ++look) std::this_thread::sleep_for(10ms);
    auto other = world.open();
    writes.count_to(700);
    auto const second = world.get(other->open_container_log(writes.key(), with_marks(true, all.after)));
    read_to(world, *second, all, 700);
    writes.end();
    for (auto part = world.get(read_in_time(world, *second)); !part.empty();
         part = world.get(read_in_time(world, *second)))
        all.add(part);
    CHECK(all.gaps.empty());
    CHECK(counts(all.output, 1, 700));
    CHECK(counts(world.read_log(writes.key(), {.tail_lines = 300}), 401, 700));  // of several files
    auto stranger = with_marks(false, all.after);
    stranger.after->instance = world.new_instance();
    CHECK(world.failure(other->open_container_log(writes.key(), stranger)).code == errc::conflict);
    world.close(std::move(other));
}

TEST_CASE("what conmon replaced while nobody looked is told as missing, to who goes on and to who begins",
          "[e2e][runtime]") {
    bool is_first = true;  // which only starts what runs
    oci_world world([&](oci_options& options) {
        options.container_log_file_bytes_max = 4'000;  // conmon begins a new file each 100'000 bytes
        options.container_log_check_period = std::exchange(is_first, false) ? duration(1h) : duration(20ms);
    });
    counter writes(world);
    reading all;
    writes.count_to(10);
    auto const kept = std::filesystem::path(writes.log()) += ".kept";
    auto before = world.open();
    for (int look = 0; look < 500 && !std::filesystem::exists(kept); ++look) std::this_thread::sleep_for(10ms);
    {
        auto const first = world.get(world.runtime().open_container_log(writes.key(), with_marks(true)));
        read_to(world, *first, all, 10);
    }
    world.close(std::move(before));  // rik is away
    constexpr int last = 10'000;     // 500'000 bytes
    // A file's times are as coarse as the kernel's tick, in which conmon cannot fill a file of the usual size.
    for (int until = 2'000; until <= last; until += 2'000) {
        writes.count_to(until);
        std::this_thread::sleep_for(600ms);  // until it has written, on a busy machine, too
    }
    auto other = world.open();
    std::this_thread::sleep_for(200ms);  // it looks
    auto const reader = world.get(other->open_container_log(writes.key(), with_marks(true, all.after)));
    read_to(world, *reader, all, last);
    REQUIRE(all.gaps.size() == 1);
    CHECK(all.gaps[0].gap_begin.has_value());
    CHECK(all.gaps[0].gap_end.has_value());
    auto const end = static_cast<std::size_t>(std::ranges::count(all.output_before_gap, '\n'));
    CHECK(counts(all.output_before_gap, 1, end));
    auto const rest = all.output.substr(all.output_before_gap.size());
    auto const begin = std::stoul(rest);
    CHECK(begin > end + 1);
    CHECK(counts(rest, begin, last));
    reading anew;
    for (auto const whole = world.get(other->open_container_log(writes.key(), with_marks(false)));;) {
        auto const part = world.get(read_in_time(world, *whole));
        if (part.empty()) break;
        anew.add(part);
    }
    CHECK(anew.gaps.size() == 1);
    world.close(std::move(other));
}

TEST_CASE("bytes of any kind come out of a log as they were written", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(
        pod, {"sh", "-c",
              "head -c 300000 /dev/urandom >/dev/shm/bytes; printf 'no end' >>/dev/shm/bytes; cat /dev/shm/bytes"}));
    CHECK(world.wait(key).code == 0);
    std::ifstream written(world.root() / "run/pods" / pod.text() / "shm/bytes", std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(written), {}};
    REQUIRE(bytes.size() == 300'006);
    CHECK((world.read_log(key, {}) == bytes));
}

TEST_CASE("text without a newline is read as soon as it is written", "[e2e][runtime]") {
    oci_world world;
    auto const key =
        world.start(world.request(world.make_sandbox(), {"sh", "-c", "printf 'Setting up...'; sleep 1000"}));
    auto const opened = world.get(world.runtime().open_container_log(key, {.follow = true}));
    CHECK(world.get(read_in_time(world, *opened)) == "Setting up...");
    CHECK(world.read_log(key, {.tail_lines = 1}) == "Setting up...");
}

TEST_CASE("a runtime that takes over rotates the logs of what runs", "[e2e][runtime]") {
    bool is_first = true;  // which rotates nothing
    oci_world world([&](oci_options& options) {
        options.container_log_file_bytes_max = 20'000;
        options.container_log_check_period = std::exchange(is_first, false) ? duration(1h) : duration(20ms);
    });
    auto const pod = world.make_sandbox();
    world.start(
        world.request(pod, {"sh", "-c", "until test -e /dev/shm/go; do usleep 1000; done; seq 1 1000; sleep 1000"}));
    auto const instance = world.root() / "state/pods" / pod.text();
    world.get(world.runtime().vacate_sandbox(world.make_sandbox()));  // one more that has nothing but logs
    auto other = world.open();
    std::ofstream(world.root() / "run/pods" / pod.text() / "shm/go") << "";
    auto const is_rotated = [&] { return std::filesystem::exists(instance / "logs/main-0.log.1"); };
    for (int look = 0; look < 1000 && !is_rotated(); ++look) std::this_thread::sleep_for(10ms);
    CHECK(is_rotated());
    world.close(std::move(other));
}

namespace {

/// Who opens or reads a directory or a file in it, as the kernel tells.
class watch {
public:
    explicit watch(std::filesystem::path const& directory) {
        REQUIRE(::inotify_add_watch(queue_, directory.c_str(), IN_OPEN | IN_ACCESS) >= 0);
    }
    watch(watch const&) = delete;
    ~watch() { ::close(queue_); }

    /// Since the last time that it was asked.
    bool has_seen_use() {
        std::array<char, 4096> events;
        bool has_seen = false;
        while (::read(queue_, events.data(), events.size()) > 0) has_seen = true;
        return has_seen;
    }

    void await_uses(int times) {
        for (int look = 0; look < 1000 && times > 0; ++look) {
            std::this_thread::sleep_for(10ms);
            if (has_seen_use()) --times;
        }
        CHECK(times == 0);
    }

private:
    int queue_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
};

}  // namespace

TEST_CASE("the logs of what has ended are not looked at again", "[e2e][runtime]") {
    oci_world world([](oci_options& options) { options.container_log_check_period = 20ms; });
    auto const running = world.start(world.request(world.make_sandbox(), {"sleep", "1000"}));
    auto const ended = world.start(world.request(world.make_sandbox(), {"true"}));
    world.wait(ended);
    auto const bundle = [&](container_key const& of) {
        return world.root() / "run/pods" / of.instance.text() / "containers/main-0";
    };
    watch looks(bundle(running));
    looks.await_uses(3);
    watch pods(world.root() / "state/pods");
    watch bundle_of_ended(bundle(ended));
    looks.await_uses(3);
    CHECK_FALSE(pods.has_seen_use());
    CHECK_FALSE(bundle_of_ended.has_seen_use());
}

TEST_CASE("what the rotation of logs costs beside many that have ended", "[.bench]") {
    constexpr auto period = 100ms;
    constexpr int looks = 50;
    oci_world world([&](oci_options& options) { options.container_log_check_period = period; });
    for (int count = 0; count < 2000; ++count) {
        auto const logs = world.root() / "state/pods" / world.new_instance().text() / "logs";
        std::filesystem::create_directories(logs);
        std::ofstream(logs / "main-0.log") << "2026-01-01T00:00:00.000000000+00:00 stdout F bye\n";
    }
    world.close(world.open());
    std::this_thread::sleep_for(10 * period);
    auto const before = std::clock();
    std::this_thread::sleep_for(looks * period);
    auto const used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    fmt::print("a look: {:.3f} ms of processor time\n", 1000 * used / looks);
}

}  // namespace rik::testing
