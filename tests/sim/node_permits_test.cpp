// Instances with identities: when they begin on a machine, and when they wait for their primary's word.
#include "node_support.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr char const* db = R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{
    "serviceName":"db","selector":{"matchLabels":{"app":"db"}},"template":{"metadata":{"labels":{"app":"db"}},
    "spec":{"containers":[{"name":"main","image":"db:1","resources":{"requests":{"cpu":"2"}}}]}}}})";

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

void reboot(node_site& site) { site.machine_under.power_off(); }

/// As its primary knows the first boot.
awaitable<instance_id> start_one(node_site& site) {
    site.permitted_boot = "boot-1";
    co_await site.start();
    auto const id = co_await site.run(db);
    co_await site.until_state(id, instance_state::running);
    co_return id;
}

void check_waiting(node_site const& site, instance_id const& id, std::size_t starts_count) {
    CHECK(site.status(id).state == instance_state::creating);
    CHECK(site.status(id).reason == "WaitingForPermit");
    CHECK(site.start_count(id) == starts_count);
}

awaitable<> begins_with_its_order(node_site& site) {
    auto const id = co_await start_one(site);
    CHECK(site.start_count(id) == 1);
}

/// The permit of another boot, an order that names none: both are old news.
awaitable<> waits_for_the_right_one(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(db);
    for (auto const* const other : {"", "boot-0", "boot-2"}) {
        co_await site.permit(id, other);
        co_await site.time().sleep_for(1min);
        check_waiting(site, id, 0);
    }
    CHECK(site.status(id).message.find("rebooted") == std::string::npos);
    auto const before = site.time().now();
    co_await site.permit(id, "boot-1");
    co_await site.until_state(id, instance_state::running);
    CHECK(site.time().now() - before < 1s);
    for (auto const* const other : {"", "boot-0", "boot-1"}) co_await site.permit(id, other);
    co_await site.time().sleep_for(1min);
    CHECK(site.status(id).state == instance_state::running);
    CHECK(site.start_count(id) == 1);
}

awaitable<> waits_after_a_reboot(node_site& site) {
    auto const id = co_await start_one(site);
    co_await site.crash();
    reboot(site);
    co_await site.start();  // its scheduler knows the first boot only
    co_await site.time().sleep_for(1min);
    check_waiting(site, id, 1);
    CHECK(site.status(id).message.find("rebooted") != std::string::npos);
    CHECK_FALSE(site.status(id).ready);
    co_await site.permit(id, "boot-2");
    co_await site.until_state(id, instance_state::running);
    CHECK(site.start_count(id) == 2);
}

/// Nobody can be reached.
awaitable<> waits_alone(node_site& site) {
    auto const id = co_await start_one(site);
    auto const pod = co_await site.run(R"({"apiVersion":"v1","kind":"Pod","name":"web",
        "spec":{"restartPolicy":"Always","containers":[{"name":"main","image":"main:1"}]}})");
    co_await site.until_state(pod, instance_state::running);
    co_await site.crash();
    reboot(site);
    site.refusal = "not now";
    co_await site.start();
    co_await site.time().sleep_for(1h);
    CHECK(site.start_count(id) == 1);
    CHECK(site.start_count(pod) == 2);  // it has no identity
    co_await site.crash();
    co_await site.start();  // in the same boot, in which it has not begun
    co_await site.time().sleep_for(1h);
    CHECK(site.start_count(id) == 1);
    site.refusal.clear();
    std::function<bool()> waits = [&] { return site.status(id).reason == "WaitingForPermit"; };
    co_await site.until(std::move(waits));
    co_await site.permit(id, "boot-2");
    co_await site.until_state(id, instance_state::running);
}

/// It has begun in this boot: neither a new agent nor a container that ends needs anybody's word.
awaitable<> goes_on_alone(node_site& site) {
    sim::image_behaviour brief;
    brief.runs_for = 20s;
    site.machine_under.set_behaviour(brief);
    auto const id = co_await start_one(site);
    co_await site.crash();
    site.refusal = "not now";
    co_await site.start();
    co_await site.time().sleep_for(1s);
    CHECK(site.start_count(id) == 1);
    CHECK(site.machine_under.running().size() == 1);
    co_await site.time().sleep_for(5min);
    auto const count = site.start_count(id);
    CHECK(count > 3);
    co_await site.crash();
    co_await site.time().sleep_for(1min);  // it ends while nobody looks
    co_await site.start();
    co_await site.time().sleep_for(10min);
    CHECK(site.start_count(id) > count);
}

/// What was permitted and not done is begun in this boot, too.
awaitable<> goes_on_half_started(node_site& site) {
    site.machine_under.faults.start_error = error{errc::exhausted, "no memory"};
    site.permitted_boot = "boot-1";
    co_await site.start();
    auto const id = co_await site.run(db);
    co_await site.time().sleep_for(1min);
    CHECK(site.status(id).state == instance_state::creating);
    co_await site.crash();
    site.machine_under.faults = {};
    site.refusal = "not now";
    co_await site.start();
    co_await site.time().sleep_for(1min);
    CHECK(site.start_count(id) == 1);
    co_await site.crash();
    reboot(site);
    co_await site.start();
    co_await site.time().sleep_for(1min);
    CHECK(site.start_count(id) == 1);
}

awaitable<> destroyed_while_it_waits(node_site& site) {
    auto const id = co_await start_one(site);
    co_await site.crash();
    reboot(site);
    co_await site.start();
    std::function<bool()> waits = [&] { return site.status(id).reason == "WaitingForPermit"; };
    co_await site.until(std::move(waits));
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(std::move(is_gone));
    CHECK(site.start_count(id) == 1);
    CHECK(site.machine_under.occupied().empty());
}

/// A permit does not make room, and room no permit.
awaitable<> waits_for_both(node_site& site) {
    resources one_core;
    one_core.set(resource::cpu, 1000);
    site.machine_under.set_capacity(one_core);
    co_await site.start();
    auto const id = co_await site.run(db);
    co_await site.time().sleep_for(1s);
    check_waiting(site, id, 0);
    co_await site.permit(id, "boot-1");
    co_await site.time().sleep_for(1s);
    CHECK(site.status(id).reason == "WaitingForRoom");
    CHECK(site.start_count(id) == 0);
}

}  // namespace

TEST_CASE("an instance with an identity begins with the permit of its order", "[sim][node]") {
    simulate(begins_with_its_order);
}
TEST_CASE("an instance with an identity begins only with a permit for this boot, and then at once", "[sim][node]") {
    simulate(waits_for_the_right_one);
}
TEST_CASE("after a reboot an instance with an identity waits for its permit", "[sim][node]") {
    simulate(waits_after_a_reboot);
    simulate(waits_alone);
}
TEST_CASE("in the boot in which it has begun an instance with an identity needs no permit", "[sim][node]") {
    simulate(goes_on_alone);
    simulate(goes_on_half_started);
}
TEST_CASE("what waits for its permit can be destroyed", "[sim][node]") { simulate(destroyed_while_it_waits); }
TEST_CASE("with a permit an instance waits for room", "[sim][node]") { simulate(waits_for_both); }
