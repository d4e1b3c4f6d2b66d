// Whether one more instance may begin on a machine.
#include "node/admission_detail.hpp"

#include <support/catch.hpp>

using namespace rik;
using detail::lacks_permit;
using detail::lacks_room;

namespace {

resources amounts(std::int64_t cpu_milli, std::int64_t pods) {
    resources made;
    made.set(resource::cpu, cpu_milli);
    made.set(resource::pods, pods);
    return made;
}

}  // namespace

TEST_CASE("what fits beside what is taken may start, to the last bit") {
    CHECK_FALSE(lacks_room(amounts(4000, 10), amounts(3000, 1), amounts(1000, 1)));
    CHECK_FALSE(lacks_room(amounts(4000, 10), amounts(4000, 1), amounts(0, 1)));
}

TEST_CASE("what does not fit hears what lacks, and how much of it") {
    auto const why = lacks_room(amounts(4000, 10), amounts(3000, 1), amounts(1001, 1));
    REQUIRE(why);
    CHECK(why->find("cpu") != why->npos);
    CHECK(why->find("1001m") != why->npos);
    CHECK(why->find("1 of 4") != why->npos);
    CHECK(lacks_room(amounts(4000, 10), amounts(0, 10), amounts(1, 1)));
}

TEST_CASE("on a machine that has shrunk below what runs nothing more starts, and nothing negative is said") {
    auto const why = lacks_room(amounts(1000, 10), amounts(3000, 1), amounts(1, 1));
    REQUIRE(why);
    CHECK(why->find('-') == why->npos);
}

TEST_CASE("a machine that does not say what it offers has room") {
    CHECK_FALSE(lacks_room(resources(), amounts(3000, 1), amounts(1000, 1)));
}

TEST_CASE("what has no identity needs no permit") {
    CHECK_FALSE(lacks_permit({.has_identity = false, .begun_in = "boot-1", .boot = "boot-2"}));
}

TEST_CASE("what has an identity begins with a permit, and goes on without one in the boot in which it began") {
    CHECK(lacks_permit({.has_identity = true, .boot = "boot-1"}));
    CHECK_FALSE(lacks_permit({.has_identity = true, .is_permitted = true, .boot = "boot-1"}));
    CHECK_FALSE(lacks_permit({.has_identity = true, .begun_in = "boot-1", .boot = "boot-1"}));
    CHECK_FALSE(lacks_permit({.has_identity = true, .is_permitted = true, .begun_in = "boot-1", .boot = "boot-2"}));
}

TEST_CASE("what waits for its permit says if that is because of a reboot") {
    auto const rebooted = lacks_permit({.has_identity = true, .begun_in = "boot-1", .boot = "boot-2"});
    REQUIRE(rebooted);
    CHECK(rebooted->find("rebooted") != std::string::npos);
    CHECK(lacks_permit({.has_identity = true, .boot = "boot-2"})->find("rebooted") == std::string::npos);
}

TEST_CASE("on a machine that does not know its boot what has an identity needs a permit each time") {
    CHECK(lacks_permit({.has_identity = true}));
}
