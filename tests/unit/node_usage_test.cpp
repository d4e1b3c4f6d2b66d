// What a node keeps of what its instances use.
#include "node/usage_watch_detail.hpp"

#include "support/catch.hpp"

#include <rik/async/clock.hpp>

#include <chrono>
#include <ctime>
#include <string>

using namespace rik;
using namespace rik::detail;
using namespace std::chrono_literals;

namespace {

usage_sample sample(duration at, duration cpu_time) {
    return {time_point(at), container_usage{.name = "main", .cpu_time = cpu_time}};
}

instance_usage usage_of(std::string const& container, duration cpu_time) {
    instance_usage made{.instance = {}, .at = wall_time(1s)};
    made.containers.push_back({container, cpu_time, 5 << 20, 2, 10});
    made.volumes.push_back({"data", 7});
    made.received_bytes = 8;
    made.sent_bytes = 9;
    return made;
}

}  // namespace

TEST_CASE("use of processors is counted from the two newest samples", "[node][usage]") {
    usage_ring ring;
    ring.add(sample(0s, 1s));
    CHECK_FALSE(ring.cpu_milli().has_value());
    ring.add(sample(10s, 6s));
    CHECK(ring.cpu_milli() == 500);
    ring.add(sample(20s, 26s));
    CHECK(ring.cpu_milli() == 2'000);
    ring.add(sample(20s, 27s));
    CHECK_FALSE(ring.cpu_milli().has_value());
}

TEST_CASE("a restart of a container begins anew, and the ring is bounded", "[node][usage]") {
    usage_ring ring;
    for (int i = 0; i < 100; ++i) ring.add(sample(i * 15s, i * 1s));
    CHECK(ring.size() == usage_samples_max);
    CHECK(ring.newest().cpu_time == 99s);
    ring.add(sample(1'515s, 1s));
    CHECK(ring.size() == 1);
    CHECK_FALSE(ring.cpu_milli().has_value());
}

TEST_CASE("a container that is gone is forgotten, and the rest of the instance is not", "[node][usage]") {
    instance_rings rings;
    rings.add(usage_of("main", 1s), time_point(0s));
    rings.add(usage_of("main", 4s), time_point(15s));
    auto const row = rings.row();
    REQUIRE(row.containers.size() == 1);
    CHECK(row.containers[0] == container_usage_row{"main", 4'000'000, 200, 5 << 20, 2, 10});
    CHECK(row.volumes == std::vector<volume_usage>{{"data", 7}});
    CHECK(row.received_bytes == 8);
    CHECK(row.sent_bytes == 9);
    rings.add(usage_of("other", 9s), time_point(30s));
    REQUIRE(rings.row().containers.size() == 1);
    CHECK(rings.row().containers[0].name == "other");
    CHECK_FALSE(rings.row().containers[0].cpu_milli.has_value());
}

TEST_CASE("what a node answers is read as it was written", "[node][usage]") {
    instance_rings rings;
    rings.add(usage_of("main", 1s), time_point(0s));
    std::vector<usage_row> rows{rings.row()};
    rows.push_back(rows[0]);
    rows[1].containers[0].cpu_milli = 7;
    auto const read = decode_usage_rows(encode(rows));
    REQUIRE(read.has_value());
    CHECK(*read == rows);
    CHECK(decode_usage_rows("[]")->empty());
    CHECK(decode_usage_rows("{").error().code == errc::corrupt);
    CHECK(decode_usage_rows(R"([{"at":7}])").error().code == errc::corrupt);
}
