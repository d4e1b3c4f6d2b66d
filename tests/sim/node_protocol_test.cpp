// What a node promises to its scheduler beyond its instances: the floor, its digest, its beats, its room.
#include "node_support.hpp"

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"restartPolicy":"Always","containers":[{"name":"main","image":"main:1","resources":{"requests":{"cpu":"2"}}}]}})";

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

resources cores(std::int64_t count) {
    resources made;
    made.set(resource::cpu, count * 1000);
    made.set(resource::pods, 110);
    return made;
}

awaitable<> wait_gone(node_site& site, instance_id id) {
    std::function<bool()> is_gone = [&site, id] { return site.is_gone(id); };
    co_await site.until(is_gone);
}

/// A scheduler that has slept orders what was taken back since.
awaitable<> older_orders(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    auto const before = site.now();
    auto again = site.order_of(id);
    co_await site.destroy(id);
    co_await wait_gone(site, id);
    auto const sessions = site.session_count();
    co_await site.tell_as_of(before, std::move(again));
    co_await site.time().sleep_for(10s);
    CHECK(site.start_count(id) == 1);
    CHECK(site.machine_under.running().empty());
    CHECK(site.session_count() > sessions);
}

awaitable<> refused(node_site& site) {
    site.refusal = "the scheduler speaks another language";
    co_await site.start();
    co_await site.time().sleep_for(60s);
    CHECK(site.session_count() >= 10);
    CHECK(site.session_count() <= 25);  // the pause between two tries has grown
    site.refusal.clear();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
}

held_digest digest_of(node_site& site, instance_id id) {
    held_digest sum;
    sum.add(id, {site.order_of(id).fence, site.status(id).state, site.status(id).seq});
    return sum;
}

awaitable<> digest_is_said(node_site& site) {
    co_await site.start();
    co_await site.time().sleep_for(1s);
    CHECK(site.digest() == held_digest());
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(10s);
    CHECK(site.digest() == digest_of(site, id));
    co_await site.stop();
    co_await site.start();  // from the disk
    co_await site.time().sleep_for(10s);
    CHECK(site.digest() == digest_of(site, id));
    co_await site.destroy(id);
    co_await wait_gone(site, id);
    co_await site.time().sleep_for(10s);
    CHECK(site.digest() == held_digest());
}

awaitable<> condemned_in_the_digest(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.stop_delay = 1min;
    co_await site.destroy(id);
    co_await site.time().sleep_for(10s);
    held_digest expected;
    expected.add(id, {site.order_of(id).fence, instance_state::destroying, site.status(id).seq});
    CHECK(site.digest() == expected);
}

/// Nobody asks for what is known.
awaitable<> quiet_return(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(10s);
    site.is_inventory_wanted = false;
    site.held_counts.clear();
    site.cut();
    co_await site.time().sleep_for(20s);
    CHECK(site.digest() == digest_of(site, id));
    CHECK(std::ranges::count(site.held_counts, 0u) == static_cast<std::ptrdiff_t>(site.held_counts.size()));
    CHECK(site.start_count(id) == 1);
}

awaitable<> beats_as_told(node_site& site) {
    co_await site.start();
    co_await site.time().sleep_for(20s);
    auto const before = site.message_count();
    co_await site.time().sleep_for(30s);
    CHECK(site.message_count() - before == 10);
    site.beat_period = 500ms;
    site.cut();
    co_await site.time().sleep_for(10s);
    auto const later = site.message_count();
    co_await site.time().sleep_for(30s);
    CHECK(site.message_count() - later == 60 + 1);  // one more says what is in use, as every minute
}

awaitable<> cut_inventory(node_site& site) {
    site.batch.items_max = 2;
    co_await site.start();
    std::vector<instance_id> all;
    for (int i = 0; i < 5; ++i) all.push_back(co_await site.run(web));
    for (auto const& id : all) co_await site.until_state(id, instance_state::running);
    site.held_counts.clear();
    site.cut();
    co_await site.time().sleep_for(10s);
    std::erase(site.held_counts, 0u);
    CHECK(site.held_counts == std::vector<std::size_t>{2, 2, 1});
}

/// Half of the machine is taken out while it is off.
awaitable<> shrunk(node_site& site) {
    site.machine_under.set_capacity(cores(4));
    co_await site.start();
    auto const first = co_await site.run(web);
    auto const second = co_await site.run(web);
    co_await site.until_state(first, instance_state::running);
    co_await site.until_state(second, instance_state::running);
    co_await site.crash();
    site.machine_under.power_off();
    site.machine_under.set_capacity(cores(2));
    co_await site.start();
    co_await site.time().sleep_for(1min);
    CHECK(site.machine_under.running().size() == 1);
    auto const is_first_up = site.status(first).state == instance_state::running;
    auto const up = is_first_up ? first : second;
    auto const waiting = is_first_up ? second : first;
    CHECK(site.status(waiting).state == instance_state::creating);
    CHECK(site.status(waiting).reason == "WaitingForRoom");
    CHECK(site.status(waiting).message.find("cpu") != std::string::npos);
    co_await site.destroy(up);
    co_await site.until_state(waiting, instance_state::running);
}

/// What runs is not stopped, and holds the room of what is new.
awaitable<> shrunk_under_what_runs(node_site& site) {
    site.machine_under.set_capacity(cores(4));
    co_await site.start();
    auto const first = co_await site.run(web);
    co_await site.until_state(first, instance_state::running);
    co_await site.crash();
    site.machine_under.set_capacity(cores(1));
    co_await site.start();
    auto const second = co_await site.run(web);
    co_await site.time().sleep_for(1min);
    CHECK(site.machine_under.running().size() == 1);
    CHECK(site.status(first).state == instance_state::running);
    CHECK(site.status(second).reason == "WaitingForRoom");
    co_await site.destroy(second);  // while it waits
    co_await wait_gone(site, second);
    CHECK(site.start_count(first) == 1);
}

/// What is being destroyed has its room until nothing of it is left.
awaitable<> room_of_the_condemned(node_site& site) {
    site.machine_under.set_capacity(cores(2));
    co_await site.start();
    auto const first = co_await site.run(web);
    co_await site.until_state(first, instance_state::running);
    site.machine_under.faults.removal_error = error{errc::conflict, "a mount is in use yet"};
    co_await site.destroy(first);
    auto const second = co_await site.run(web);
    co_await site.time().sleep_for(10s);
    CHECK(site.status(second).reason == "WaitingForRoom");
    site.machine_under.faults = {};
    co_await site.until_state(second, instance_state::running);
}

/// Its rows are lost, and what runs is nobody's.
awaitable<> room_of_orphans(node_site& site) {
    site.machine_under.set_capacity(cores(2));
    co_await site.start();
    auto const first = co_await site.run(web);
    co_await site.until_state(first, instance_state::running);
    co_await site.crash();
    site.contents->rows.clear();
    site.forget(first);
    site.machine_under.faults.removal_error = error{errc::conflict, "a mount is in use yet"};
    co_await site.start();
    auto const second = co_await site.run(web);
    co_await site.time().sleep_for(10s);
    CHECK(site.status(second).reason == "WaitingForRoom");
    site.machine_under.faults = {};
    co_await site.until_state(second, instance_state::running);
}

}  // namespace

TEST_CASE("a node takes no orders that are older than what it has obeyed", "[sim][node]") { simulate(older_orders); }
TEST_CASE("a node that is refused tries again, with growing pauses", "[sim][node]") { simulate(refused); }
TEST_CASE("a node says the digest of what it holds", "[sim][node]") { simulate(digest_is_said); }
TEST_CASE("in a digest a condemned instance is being destroyed, whatever it does", "[sim][node]") {
    simulate(condemned_in_the_digest);
}
TEST_CASE("a node that returns with the same digest says nothing twice", "[sim][node]") { simulate(quiet_return); }
TEST_CASE("a node beats as often as it is told", "[sim][node]") { simulate(beats_as_told); }
TEST_CASE("an inventory is cut into parts", "[sim][node]") { simulate(cut_inventory); }
TEST_CASE("after a reboot of a smaller machine what does not fit waits, and starts when there is room", "[sim][node]") {
    simulate(shrunk);
}
TEST_CASE("what runs is never stopped for want of room, and what is new waits", "[sim][node]") {
    simulate(shrunk_under_what_runs);
}
TEST_CASE("what is being destroyed has its room until it is gone", "[sim][node]") { simulate(room_of_the_condemned); }
TEST_CASE("what belongs to no instance has its room until it is gone", "[sim][node]") { simulate(room_of_orphans); }
