// A node whose disk fills up: whoever has written most goes, one at a time, and nobody else.
#include "node_support.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr std::int64_t mebibyte = 1 << 20;

std::string pod(std::string_view name) {
    return fmt::format(R"({{"apiVersion":"v1","kind":"Pod","name":"{0}","spec":{{"restartPolicy":"Always",
        "terminationGracePeriodSeconds":600,"containers":[{{"name":"main","image":"{0}:1"}}]}}}})",
                       name);
}

sim::image_behaviour writer(std::int64_t mebibytes, std::int64_t files = 10) {
    sim::image_behaviour how;
    how.layer = {.bytes = mebibytes * mebibyte, .files = files};
    how.stop_time = 1h;  // it goes on writing
    return how;
}

/// So much is free if nobody has written anything.
void give_room(node_site& site, std::int64_t mebibytes) {
    site.machine_under.measured.of_state = {
        .name = "/state", .total_bytes = 300 * mebibyte, .free_bytes = mebibytes * mebibyte};
}

void give_files(node_site& site, std::int64_t files) {
    give_room(site, 300);
    site.machine_under.measured.of_state.total_files = 20'000;
    site.machine_under.measured.of_state.free_files = files;
}

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(21);
    node_site site(world);
    world.run(what(site));
}

bool is_full(node_site& site) {
    auto const ready = site.agent().health().ready;
    return !ready && ready.error().message.find("DiskPressure") != std::string::npos;
}

awaitable<instance_id> run(node_site& site, std::string name) {
    auto const id = co_await site.run(pod(name));
    co_await site.until_state(id, instance_state::running);
    co_return id;
}

awaitable<> largest_goes(node_site& site) {
    give_room(site, 286);
    site.machine_under.set_behaviour("large:1", writer(100));
    site.machine_under.set_behaviour("small:1", writer(60));
    co_await site.start();
    auto const quiet = co_await run(site, "quiet");
    auto const small = co_await run(site, "small");
    CHECK_FALSE(is_full(site));
    auto const large = co_await run(site, "large");
    std::function<bool()> says_so = [&] { return is_full(site); };
    co_await site.until(says_so, 10s);  // before anything is placed here again
    auto const full_at = site.time().now();
    co_await site.until_state(large, instance_state::failed);
    CHECK(site.time().now() - full_at < 2s);  // whatever its grace is
    CHECK(site.status(large).reason == "Evicted");
    CHECK(site.status(large).message ==
          "the node was low on ephemeral-storage: 126Mi were available, and it keeps 128Mi free; container main was "
          "using "
          "100Mi, and its request is 0");
    std::function<bool()> has_room = [&] { return !is_full(site); };
    co_await site.until(has_room);
    CHECK(site.time().now() - full_at > 10s);  // what was evicted shall not come back at once
    co_await site.time().sleep_for(10min);
    CHECK(site.status(small).state == instance_state::running);
    CHECK(site.status(quiet).state == instance_state::running);
    CHECK(site.start_count(small) == 1);
    CHECK(site.machine_under.running().size() == 2);
}

awaitable<> one_at_a_time(node_site& site) {
    give_room(site, 300);
    for (auto const* const name : {"a:1", "b:1", "c:1"}) site.machine_under.set_behaviour(name, writer(40));
    co_await site.start();
    std::vector<instance_id> all;
    for (auto const* const name : {"a", "b", "c"}) all.push_back(co_await run(site, name));
    site.machine_under.faults.removal_time = 2s;
    give_room(site, 200);  // somebody else has written, too: two have to go
    auto const count_failed = [&] {
        return std::ranges::count_if(
            all, [&](auto const& each) { return site.status(each).state == instance_state::failed; });
    };
    std::function<bool()> has_one = [&] { return count_failed() == 1; };
    co_await site.until(has_one);
    CHECK(site.machine_under.running().size() == 2);
    co_await site.time().sleep_for(10min);
    CHECK(count_failed() == 2);
    CHECK(site.machine_under.running().size() == 1);
    CHECK_FALSE(is_full(site));
}

awaitable<> nobody_is_to_blame(node_site& site) {
    give_room(site, 300);
    site.machine_under.set_behaviour("a:1", writer(7));
    co_await site.start();
    auto const idle = co_await run(site, "a");
    auto const since = site.time().now();
    give_room(site, 130);
    co_await site.time().sleep_for(1h);
    CHECK(is_full(site));
    CHECK(site.status(idle).state == instance_state::running);
    site.machine_under.set_behaviour("a:1", writer(16));  // now it writes
    co_await site.until_state(idle, instance_state::failed);
    CHECK(site.time().now() - since < 1h + 2s);
    give_room(site, 300);
    co_await site.time().sleep_for(20s);
    CHECK_FALSE(is_full(site));
}

awaitable<> what_is_deleted_is_waited_for(node_site& site) {
    give_room(site, 300);
    site.machine_under.set_behaviour("gone:1", writer(160));
    site.machine_under.set_behaviour("stays:1", writer(20));
    co_await site.start();
    auto const stays = co_await run(site, "stays");
    site.machine_under.faults.deletion_time = 50s;
    auto const gone = co_await run(site, "gone");
    co_await site.until_state(gone, instance_state::failed);
    CHECK(site.status(gone).reason == "Evicted");
    co_await site.time().sleep_for(10min);
    CHECK(site.status(stays).state == instance_state::running);
    CHECK_FALSE(is_full(site));
}

awaitable<> what_has_ended_goes_first(node_site& site) {
    give_room(site, 300);
    auto first = writer(150);
    first.runs_for = 1s;
    site.machine_under.set_behaviour("first:1", first);
    site.machine_under.set_behaviour("main:1", writer(40));
    co_await site.start();
    auto const id = co_await site.run(R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{
        "initContainers":[{"name":"first","image":"first:1"}],"containers":[{"name":"main","image":"main:1"}]}})");
    co_await site.until_state(id, instance_state::running);
    std::function<bool()> has_room = [&] { return site.machine_under.find_request({id, "first", 0}) == nullptr; };
    co_await site.until(has_room);
    co_await site.time().sleep_for(10min);
    CHECK(site.status(id).state == instance_state::running);
    CHECK_FALSE(is_full(site));
    co_await site.crash();  // the next agent does not miss it
    co_await site.start();
    co_await site.time().sleep_for(10min);
    CHECK(site.status(id).state == instance_state::running);
    CHECK(site.start_count(id) == 2);
}

awaitable<> files_run_out(node_site& site) {
    give_files(site, 20'000);
    site.machine_under.set_behaviour("many:1", writer(1, 19'500));
    site.machine_under.set_behaviour("large:1", writer(50, 50));
    co_await site.start();
    auto const large = co_await run(site, "large");
    auto const many = co_await run(site, "many");
    co_await site.until_state(many, instance_state::failed);
    CHECK(site.status(many).message ==
          "the node was low on inodes: 450 more files could be made, and it keeps 1000 free; container main had 19500 "
          "files");
    co_await site.time().sleep_for(1min);
    CHECK(site.status(large).state == instance_state::running);
    CHECK_FALSE(is_full(site));
}

awaitable<> agent_starts_on_a_full_disk(node_site& site) {
    give_room(site, 300);
    co_await site.start();
    auto const quiet = co_await run(site, "quiet");
    auto const large = co_await run(site, "large");
    co_await site.crash();
    site.machine_under.set_behaviour("large:1", writer(300));
    site.flush_time = 10min;  // it needs the room that only an eviction gives
    co_await site.start();
    std::function<bool()> is_gone = [&] { return site.machine_under.running().size() == 1; };
    co_await site.until(is_gone, 10s);
    std::function<bool()> has_room = [&] { return !is_full(site); };
    co_await site.until(has_room, 30s);
    co_await site.time().sleep_for(1h);
    CHECK(site.status(large).state == instance_state::failed);
    CHECK(site.status(quiet).state == instance_state::running);
    CHECK(site.start_count(quiet) == 1);
}

/// It goes on when there is room again, and meanwhile nobody is evicted for it.
awaitable<> pull_that_fills_the_disk_is_given_up(node_site& site) {
    give_room(site, 300);
    site.machine_under.set_behaviour("large:1", writer(20));
    sim::image_behaviour slow;
    slow.pull_time = 1min;
    site.machine_under.set_behaviour("slow:1", slow);
    co_await site.start();
    auto const large = co_await run(site, "large");
    auto const id = co_await site.run(pod("slow"));
    co_await site.time().sleep_for(10s);
    give_room(site, 100);
    std::function<bool()> says_so = [&] {
        return site.status(id).message.find("main: it is pulled when the node's disk has room (image slow:1)") !=
               std::string::npos;
    };
    co_await site.until(says_so, 10s);
    auto const another = co_await site.run(pod("large"));
    co_await site.until_state(another, instance_state::running);  // whose image is here
    give_room(site, 300);
    co_await site.until_state(id, instance_state::running);
    CHECK(site.status(large).state == instance_state::running);
    CHECK(site.status(another).state == instance_state::running);
}

awaitable<> one_with_a_long_grace_is_cut_short(node_site& site) {
    give_room(site, 300);
    site.machine_under.set_behaviour("large:1", writer(100));
    co_await site.start();
    auto const large = co_await run(site, "large");
    co_await site.destroy(large);
    co_await site.time().sleep_for(1min);
    CHECK_FALSE(site.is_gone(large));
    give_room(site, 200);
    std::function<bool()> is_gone = [&] { return site.is_gone(large); };
    co_await site.until(is_gone, 10s);
}

awaitable<> limit_is_kept(node_site& site) {
    site.machine_under.set_behaviour("main:1", writer(12));
    co_await site.start();
    auto const id = co_await site.run(R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Always",
        "terminationGracePeriodSeconds":1,"containers":[{"name":"main","image":"main:1",
        "resources":{"limits":{"ephemeral-storage":"10Mi"}}}]}})");
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).reason == "Evicted");
    CHECK(site.status(id).message == "container main exceeded its local ephemeral storage limit 10Mi: it uses 12Mi");
}

}  // namespace

TEST_CASE("on a disk that is nearly full the largest writer is evicted", "[sim][node][disk]") {
    simulate(largest_goes);
    simulate(files_run_out);
}
TEST_CASE("instances are evicted one at a time", "[sim][node][disk]") { simulate(one_at_a_time); }
TEST_CASE("a full disk that nobody here has filled ends nobody", "[sim][node][disk]") { simulate(nobody_is_to_blame); }
TEST_CASE("what is on its way out of the disk is waited for", "[sim][node][disk]") {
    simulate(what_is_deleted_is_waited_for);
}
TEST_CASE("containers that have ended lose their files before anybody is evicted", "[sim][node][disk]") {
    simulate(what_has_ended_goes_first);
}
TEST_CASE("an agent that starts on a full disk evicts, also if it cannot write", "[sim][node][disk]") {
    simulate(agent_starts_on_a_full_disk);
}
TEST_CASE("a pull that fills the disk is given up before anybody is evicted", "[sim][node][disk]") {
    simulate(pull_that_fills_the_disk_is_given_up);
}
TEST_CASE("on a full disk no grace is given", "[sim][node][disk]") { simulate(one_with_a_long_grace_is_cut_short); }
TEST_CASE("a Pod that writes more than its limit fails", "[sim][node][disk]") { simulate(limit_is_kept); }
