// Who is evicted when the disk of a node is nearly full.
#include "node/disk_eviction_detail.hpp"

#include "support/catch.hpp"

using namespace rik;
using namespace rik::detail;

namespace {

constexpr std::int64_t mebibyte = 1 << 20;

instance_id id_of(char last) { return *instance_id::parse(std::string("00000000-0000-4000-8000-00000000000") + last); }

disk_room room(std::int64_t free_mebibytes) {
    return {.name = "/var/lib/rik", .total_bytes = 1024 * mebibyte, .free_bytes = free_mebibytes * mebibyte};
}

disk_room room_of_files(std::int64_t free_files) {
    auto made = room(512);
    made.total_files = 100'000;
    made.free_files = free_files;
    return made;
}

disk_user user(char last, std::int64_t mebibytes, std::int64_t request_mebibytes = 0) {
    disk_user made{.id = id_of(last), .request_bytes = request_mebibytes * mebibyte};
    made.parts = {{.name = "container main", .held = {.bytes = mebibytes * mebibyte, .files = mebibytes}}};
    made.parts[0].request_bytes = made.request_bytes;
    return made;
}

std::optional<instance_id> who(disk_room const& of, std::vector<disk_user> const& users) {
    auto const found = find_eviction(of, users);
    return found ? std::optional(found->id) : std::nullopt;
}

}  // namespace

TEST_CASE("with enough room nobody is evicted", "[unit][node][disk]") {
    CHECK_FALSE(who(room(128), {user('1', 500)}));
    CHECK(who(room(127), {user('1', 500)}) == id_of('1'));
    CHECK_FALSE(who(disk_room(), {user('1', 500)}));  // of what was not measured nothing is said
    CHECK_FALSE(who(room_of_files(5'000), {user('1', 500)}));
    CHECK(who(room_of_files(4'999), {user('1', 500)}) == id_of('1'));
}

TEST_CASE("who has written most is evicted, with a message that says it", "[unit][node][disk]") {
    auto largest = user('2', 210, 10);
    largest.parts.push_back({.name = "volume data", .held = {.bytes = 30 * mebibyte, .files = 1}});
    largest.parts.push_back({.name = "volume empty"});
    auto const found = find_eviction(room(3), {user('1', 100), largest, user('3', 20)});
    REQUIRE(found);
    CHECK(found->id == id_of('2'));
    CHECK(found->how.state == instance_state::failed);
    CHECK(found->how.reason == "Evicted");
    CHECK(
        found->how.message ==
        "the node was low on ephemeral-storage: 3Mi were available, and it keeps 128Mi free; container main was using "
        "210Mi, and its request is 10Mi; volume data was using 30Mi");
}

TEST_CASE("who uses more than it requested goes before who does not", "[unit][node][disk]") {
    CHECK(who(room(3), {user('1', 400, 400), user('2', 50, 0)}) == id_of('2'));
    CHECK(who(room(3), {user('1', 400, 380), user('2', 50, 0)}) == id_of('2'));
    CHECK(who(room(3), {user('1', 400, 300), user('2', 50, 0)}) == id_of('1'));
    CHECK(who(room(3), {user('1', 400, 500)}) == id_of('1'));  // all the same it is the only one
}

TEST_CASE("of two that use more than they requested the one of lower priority goes first", "[unit][node][disk]") {
    auto important = user('1', 400);
    important.priority = 10;
    CHECK(who(room(3), {important, user('2', 50)}) == id_of('2'));
    CHECK(who(room_of_files(4'700), {important, user('2', 350)}) == id_of('2'));
    CHECK(who(room(3), {important, user('2', 50, 60)}) == id_of('1'));
}

TEST_CASE("who has next to nothing is never evicted", "[unit][node][disk]") {
    CHECK_FALSE(who(room(121), {user('1', 7), user('2', 7)}));
    CHECK(who(room(121), {user('1', 7), user('2', 8)}) == id_of('2'));
    auto logs = user('3', 0);
    logs.parts[0].log_bytes = 500 * mebibyte;  // they stay
    CHECK_FALSE(who(room(0), {logs}));
    CHECK_FALSE(who(room_of_files(4'900), {user('1', 311)}));
    CHECK(who(room_of_files(4'900), {user('1', 312)}) == id_of('1'));
}

TEST_CASE("logs count as used", "[unit][node][disk]") {
    auto logs = user('1', 20);
    logs.parts[0].log_bytes = 100 * mebibyte;
    CHECK_FALSE(who(room(10), {user('2', 100), logs}));  // most of what it uses stays
    logs.parts[0].log_bytes = 85 * mebibyte;
    logs.parts[0].held.bytes = 90 * mebibyte;
    CHECK(who(room(10), {user('2', 100), logs}) == id_of('1'));
}

TEST_CASE("who does not fill the disk is not evicted for it", "[unit][node][disk]") {
    CHECK_FALSE(who(room(0), {user('1', 60), user('2', 60), user('3', 7)}));
    CHECK(who(room(0), {user('1', 60), user('2', 61), user('3', 8)}) == id_of('2'));
    CHECK(who(room(10), {user('1', 60), user('2', 60)}) == id_of('1'));
    CHECK_FALSE(who(room_of_files(0), {user('1', 2'000), user('2', 2'000)}));
    auto endless = user('3', 10);
    endless.is_complete = false;  // there was no time to see all of it
    CHECK(who(room(0), {user('1', 60), endless}) == id_of('1'));
}

TEST_CASE("where files run out, who has most of them is evicted", "[unit][node][disk]") {
    auto many = user('2', 10);
    many.parts[0].held.files = 70'000;
    auto const found = find_eviction(room_of_files(12), {user('1', 400), many});
    REQUIRE(found);
    CHECK(found->id == id_of('2'));
    CHECK(found->how.message ==
          "the node was low on inodes: 12 more files could be made, and it keeps 5000 free; container main had 70000 "
          "files");
}

TEST_CASE("where both are short and nobody has many bytes, who has most files is evicted", "[unit][node][disk]") {
    auto both = room_of_files(12);
    both.free_bytes = 0;
    auto many = user('2', 5);
    many.parts[0].held.files = 70'000;
    CHECK(who(both, {user('1', 7), many}) == id_of('2'));
    CHECK(who(both, {user('1', 150), many}) == id_of('1'));
}

TEST_CASE("a node says what its disk lacks", "[unit][node][disk]") {
    CHECK(find_disk_pressure(disk_room()).empty());
    CHECK(find_disk_pressure(room_of_files(5'000)).empty());
    auto const found = find_disk_pressure(room_of_files(4'999));
    REQUIRE(found.size() == 1);
    CHECK(found[0].reason == "DiskPressure");
    CHECK(found[0].message ==
          "only 4999 more files can be made on /var/lib/rik, where images and logs are: remove some");
    CHECK(find_disk_pressure(room(127)).size() == 1);
    CHECK(pressure_files(100'000'000) == 20'000);
    CHECK_FALSE(is_scarce(disk_room()));
    CHECK_FALSE(is_scarce({.total_bytes = 4096 * mebibyte, .free_bytes = 2048 * mebibyte}));
    CHECK(is_scarce({.total_bytes = 4096 * mebibyte, .free_bytes = 2047 * mebibyte}));
}

TEST_CASE("what an instance has written is told with what it asked for", "[unit][node][disk]") {
    instance_template pod{.priority = 5};
    pod.containers = {{.name = "main", .image = "i"}};
    pod.containers[0].requests.set(resource::storage, 42);
    written_files written{.instance = id_of('1')};
    written.containers = {{.name = "main", .layer = {.bytes = 7, .files = 3}, .log_bytes = 5}};
    written.volumes = {{.name = "data", .held = {.bytes = 11, .files = 2}}};
    auto const made = user_of(pod, 50, written);
    CHECK(made.id == id_of('1'));
    CHECK(made.priority == 5);
    CHECK(made.request_bytes == 50);
    CHECK(made.held() == disk_share{18, 5});
    CHECK(made.used_bytes() == 23);
    REQUIRE(made.parts.size() == 2);
    CHECK(made.parts[0].name == "container main");
    CHECK(made.parts[0].request_bytes == 42);
    CHECK(made.parts[1].name == "volume data");
}

TEST_CASE("containers that have ended and keep much are found", "[unit][node][disk]") {
    written_files written{.instance = id_of('1')};
    std::vector<container_status> containers;
    for (auto const* const name : {"large", "small", "runs", "again"}) {
        containers.push_back({.name = name, .state = container_state::exited, .restart_count = 2});
        written.containers.push_back({.name = name, .layer = {.bytes = 20 * mebibyte, .files = 10}});
    }
    written.containers[1].layer.bytes = mebibyte;
    containers[2].state = container_state::running;
    containers[3].state = container_state::waiting;
    auto const found = find_ended(room(3), containers, written);
    REQUIRE(found.size() == 1);
    CHECK(found[0] == container_key{id_of('1'), "large", 2});
    written.containers[1].layer.files = 400;
    CHECK(find_ended(room(3), containers, written).size() == 1);
    CHECK(find_ended(room_of_files(3), containers, written).size() == 2);
}
