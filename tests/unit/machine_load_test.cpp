#include "runtime/oci/machine_load_detail.hpp"

#include "support/catch.hpp"

#include <rik/base/limits.hpp>

namespace rik::detail {

TEST_CASE("the idle share of the processors is that between two readings", "[load]") {
    auto const before = parse_cpu_times("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4\n");
    auto const now = parse_cpu_times("cpu  150 0 110 820 20 0 0 0 30 0\n");
    REQUIRE(before.has_value());
    REQUIRE(now.has_value());
    CHECK(before->all == 1000);
    CHECK(before->idle == 800);
    CHECK(idle_percent(*before, *now) == Approx(40));  // guest time is counted once; waiting for disks is idle
    CHECK(idle_percent(*now, *now) == 100);
    CHECK(idle_percent(*now, *before) == 100);  // counters that went back
    CHECK_FALSE(parse_cpu_times("cpu 1 2").has_value());
    CHECK_FALSE(parse_cpu_times("").has_value());
}

TEST_CASE("memory that new programs can have", "[load]") {
    auto const read = parse_memory("MemTotal:       24689432 kB\nMemFree: 1 kB\nMemAvailable:    1000 kB\n");
    REQUIRE(read.has_value());
    CHECK(read->total_bytes == std::int64_t{24689432} * 1024);
    CHECK(read->available_bytes == 1024000);
    CHECK_FALSE(parse_memory("MemTotal: 5 kB\n").has_value());
}

TEST_CASE("each device is a disk once, whatever is mounted of it", "[load]") {
    auto const disks = parse_disks(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "23 22 8:1 /var /srv rw - ext4 /dev/sda1 rw\n"
        "24 22 8:2 / /with\\040blank rw - xfs /dev/sdb\\0401 rw\n"
        "25 22 0:5 / /proc rw - proc proc rw\n"
        "26 22 7:0 / /snap rw - squashfs /dev/loop0 ro\n"
        "broken line\n");
    CHECK(disks == std::vector<mounted_disk>{{"/dev/sda1", "/"}, {"/dev/sdb 1", "/with blank"}});
}

TEST_CASE("a directory that is not there yet is on the file system of the one above", "[load]") {
    auto const there = measure_disk("x", "/");
    auto const missing = measure_disk("x", "/no/such/directory");
    REQUIRE(there.has_value());
    REQUIRE(missing.has_value());
    CHECK(there->total_bytes == missing->total_bytes);
    CHECK(there->total_bytes > 0);
}

TEST_CASE("what has changed by a step is told at once", "[load]") {
    node_metrics const before{
        .cpu_total = 2, .cpu_free_percent = 50, .memory_total_bytes = 1000, .memory_free_bytes = 500};
    auto now = before;
    CHECK_FALSE(differs_by_a_step(before, now));
    now.cpu_free_percent = 59;
    now.memory_free_bytes = 451;
    CHECK_FALSE(differs_by_a_step(before, now));
    now.cpu_free_percent = 61;
    CHECK(differs_by_a_step(before, now));
    now = before;
    now.memory_free_bytes = 449;
    CHECK(differs_by_a_step(before, now));
    now = before;
    now.disks = {{"/dev/sda", 1000, 10}};
    CHECK(differs_by_a_step(before, now));
    auto later = now;
    later.disks[0].free_bytes = 20;
    CHECK_FALSE(differs_by_a_step(now, later));
    later.disks[0].free_bytes = 21;
    CHECK(differs_by_a_step(now, later));
}

TEST_CASE("a machine that is nearly full says so", "[load]") {
    node_metrics now{.memory_total_bytes = std::int64_t{8} << 30, .memory_free_bytes = std::int64_t{4} << 30};
    disk_metrics disk{"/dev/sda", std::int64_t{8} << 30, std::int64_t{4} << 30};
    CHECK(find_pressure(now, disk).empty());
    now.memory_free_bytes = limits::pressure_memory_bytes - 1;
    disk.free_bytes = limits::pressure_disk_bytes - 1;
    auto const found = find_pressure(now, disk);
    REQUIRE(found.size() == 2);
    CHECK(found[0].reason == "MemoryPressure");
    CHECK(found[1].reason == "DiskPressure");
    CHECK(found[1].message.find("/dev/sda") != std::string::npos);
    CHECK(find_pressure(node_metrics(), disk_metrics()).empty());  // of what was not measured nothing is said
}

}  // namespace rik::detail
