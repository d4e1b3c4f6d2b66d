// Crashes, power loss, broken links and full disks, one at a time.
#include <rik/async/task_group.hpp>
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"restartPolicy":"Always","containers":[{"name":"web","image":"web:1"}]}})";

awaitable<> keeps_running(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 3);
    co_await cluster.until(sim::all_running(3));
    auto const starts = cluster.node(0).starts().size();
    co_await cluster.crash_node(0);
    co_await cluster.crash_scheduler();
    co_await cluster.crash_primary();
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 3);
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(30s);
    co_await cluster.until(sim::all_running(3));
    CHECK(cluster.node(0).starts().size() == starts);
    CHECK(cluster.node(0).attached().size() == 3);
    co_await cluster.stop();
}

awaitable<> starts_again_after_power_loss(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 2);
    co_await cluster.until(sim::all_running(2));
    co_await cluster.power_off(0);
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(30s);
    co_await cluster.until(sim::all_running(2));
    CHECK(cluster.node(0).running().size() == 2);
    co_await cluster.stop();
}

awaitable<> deleted_while_cut_off(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const workload = co_await cluster.create(web, 2);
    co_await cluster.until(sim::all_running(2));
    cluster.cut_link(0);
    co_await world.time().sleep_for(1min);
    auto const nodes = co_await cluster.api().nodes().list(caller(), page());
    CHECK(nodes->rows.at(0)->state == node_state::unheard);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), workload, any_revision);
    CHECK(deleted.has_value());
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 2);  // an unheard node's instances count until it confirms
    cluster.mend_link(0);
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
    co_await cluster.stop();
}

/// Only the heartbeat shows it: no end is told.
awaitable<> deleted_while_silent(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const workload = co_await cluster.create(web, 2);
    co_await cluster.until(sim::all_running(2));
    cluster.silence_link(0);
    co_await world.time().sleep_for(1s);
    auto const soon = co_await cluster.api().nodes().list(caller(), page());
    CHECK(soon->rows.at(0)->state == node_state::ready);
    co_await world.time().sleep_for(1min);
    auto const later = co_await cluster.api().nodes().list(caller(), page());
    CHECK(later->rows.at(0)->state == node_state::unheard);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), workload, any_revision);
    CHECK(deleted.has_value());
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(0).running().size() == 2);
    cluster.mend_link(0);
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
    co_await cluster.stop();
}

awaitable<> primary_alone(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const workload = co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    for (auto const fault : {&sim::cluster::cut_primary_link, &sim::cluster::silence_primary_link}) {
        auto const before = cluster.node(0).running().size();
        (cluster.*fault)();
        create_instances_request more{.workload = workload};
        auto const made = co_await cluster.api().instances().create(caller(), more);
        REQUIRE(made.has_value());
        co_await world.time().sleep_for(1min);
        CHECK(cluster.node(0).running().size() == before);
        cluster.mend_primary_link();
        co_await world.time().sleep_for(10s);
    }
    co_await cluster.until(sim::all_running(3));
    co_await cluster.stop();
}

/// Dialling takes time; `moment` may be in the middle of it.
awaitable<> cut_while_dialling(sim::cluster& cluster, sim::world& world, duration moment) {
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(moment);
    cluster.cut_link(0);
    co_await world.time().sleep_for(1min);
    auto const nodes = co_await cluster.api().nodes().list(caller(), page());
    for (auto const& each : nodes->rows) CHECK(each->state == node_state::unheard);
    cluster.mend_link(0);
    co_await world.time().sleep_for(1min);
    auto const after = co_await cluster.api().nodes().list(caller(), page());
    REQUIRE(after->rows.size() == 1);
    CHECK(after->rows[0]->state == node_state::ready);
    co_await cluster.stop();
}

awaitable<> log_is_cut(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    container_log_request what{.instance = rows->rows.at(0)->id()};
    auto const log = co_await cluster.api().streams().open_container_log(caller(), what);
    REQUIRE(log.has_value());
    cluster.cut_link(0);
    auto read = co_await (*log)->read();
    if (read && *read == "hello\n") read = co_await (*log)->read();  // it was on its way
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::unavailable);
    co_await world.time().sleep_for(1s);
    co_await cluster.stop();
}

struct crash_story {
    bool is_acknowledged = false;
    bool is_there_later = false;
};

awaitable<> creates(sim::cluster& cluster, crash_story& into) {
    auto parsed = parse_definition(web);
    auto const made = co_await cluster.api().workloads().create(caller(), std::move(parsed.definition));
    into.is_acknowledged = made.has_value();
}

awaitable<> crashes_after(sim::cluster& cluster, sim::world& world, duration moment) {
    co_await world.time().sleep_for(moment);
    co_await cluster.crash_primary();
}

awaitable<> created_in_a_crash(sim::cluster& cluster, sim::world& world, duration moment, crash_story& into) {
    co_await cluster.start_primary();
    task_group tasks(world.executor());
    tasks.spawn(creates(cluster, into));
    tasks.spawn(crashes_after(cluster, world, moment));
    co_await tasks.join();
    co_await cluster.start_primary();
    auto const after = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    into.is_there_later = after->rows.size() == 1;
    co_await cluster.stop();
}

awaitable<> full_disk_stops_the_primary(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    cluster.fail_primary_disk(error{errc::exhausted, "the disk is full"});
    auto parsed = parse_definition(web);
    auto const made = co_await cluster.api().workloads().create(caller(), std::move(parsed.definition));
    REQUIRE_FALSE(made.has_value());
    auto const again = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    CHECK(again->rows.empty());
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    auto const after = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    CHECK(after->rows.empty());
    co_await cluster.stop();
}

constexpr auto never_fits = R"({"apiVersion":"v1","kind":"Pod","name":"big","spec":{"containers":[{"name":"main",
    "image":"web:1","resources":{"requests":{"cpu":"64"}}}]}})";

awaitable<std::size_t> count_events(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().events().list(caller(), event_filter());
    co_return listed->rows.size();
}

bool all_unschedulable(std::vector<stored<instance>> const& rows) {
    return std::all_of(rows.begin(), rows.end(),
                       [](auto const& row) { return row->status().reason == "Unschedulable"; });
}

/// Nobody is told "no node has joined yet" by a scheduler that has just begun.
awaitable<> waits_through_a_restart(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(never_fits, 2);
    co_await cluster.until(all_unschedulable);
    auto const before = co_await count_events(cluster);
    co_await cluster.crash_node(0);
    co_await cluster.crash_scheduler();
    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await cluster.start_scheduler();
    co_await world.time().sleep_for(3s);
    co_await cluster.start_node(0);
    co_await world.time().sleep_for(1min);
    auto const after = co_await count_events(cluster);
    CHECK(after == before);
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    for (auto const& row : rows->rows)
        CHECK(row->status().message.starts_with("not enough cpu (1 node: node-0; asked "));
    co_await cluster.stop();
}

/// Its node does not come back: that is said, with its name.
awaitable<> waits_without_the_node(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.crash_node(0);
    co_await cluster.crash_scheduler();
    co_await cluster.start_scheduler();
    co_await cluster.create(never_fits, 1);
    co_await world.time().sleep_for(1min);
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    CHECK(rows->rows.at(0)->status().message == "node is not ready (1 node: node-0)");
    co_await cluster.stop();
}

awaitable<node_state> state_of_the_node(sim::cluster& cluster) {
    auto const nodes = co_await cluster.api().nodes().list(caller(), page());
    co_return nodes->rows.at(0)->state;
}

awaitable<> unheard_in_time(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await world.time().sleep_for(10s);
    cluster.silence_link(0);
    co_await world.time().sleep_for(6s);  // its last word may be a beat older
    auto const early = co_await state_of_the_node(cluster);
    CHECK(early == node_state::ready);
    co_await world.time().sleep_for(4100ms);
    auto const late = co_await state_of_the_node(cluster);
    CHECK(late == node_state::unheard);
    co_await cluster.stop();
}

bool is_creating(std::vector<stored<instance>> const& rows) { return rows.at(0)->state() == instance_state::creating; }

awaitable<> log_of_what_has_not_started(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour slow;
    slow.pull_time = 1h;
    cluster.node(0).set_behaviour("web:1", slow);
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(is_creating);
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    container_log_request what{.instance = rows->rows.at(0)->id()};
    auto const log = co_await cluster.api().streams().open_container_log(caller(), what);
    REQUIRE_FALSE(log.has_value());
    CHECK(log.error().code == errc::conflict);
    co_await cluster.stop();
}

awaitable<> one_log_too_many(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    container_log_request const what{.instance = rows->rows.at(0)->id(), .how = {.follow = true}};
    std::vector<std::unique_ptr<container_log_source>> open;
    for (std::size_t count = 0; count < limits::streams_per_node_max; ++count) {
        auto log = co_await cluster.api().streams().open_container_log(caller(), what);
        REQUIRE(log.has_value());
        open.push_back(std::move(*log));
    }
    auto const refused = co_await cluster.api().streams().open_container_log(caller(), what);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::exhausted);
    open.clear();
    co_await cluster.stop();
}

void simulate(awaitable<> (*what)(sim::cluster&, sim::world&)) {
    sim::world world(7);
    sim::cluster cluster(world, {});
    world.run(what(cluster, world));
}

}  // namespace

TEST_CASE("all roles die and come back: containers run on and are taken over, not restarted") {
    simulate(keeps_running);
}
TEST_CASE("a machine that loses its power starts what it was assigned") { simulate(starts_again_after_power_loss); }
TEST_CASE("what is deleted while its node is cut off goes when the node is heard") { simulate(deleted_while_cut_off); }
TEST_CASE("a silent node is unheard after its heartbeats are missing, and obeys when it is back") {
    simulate(deleted_while_silent);
}
TEST_CASE("without its link to the scheduler a primary takes orders, which are carried out later") {
    simulate(primary_alone);
}
TEST_CASE("a link that is cut while it is dialled carries nothing") {
    for (auto moment = 0ms; moment <= 1000ms; moment += 100ms) {
        INFO("cut after " << moment.count() << " ms");
        sim::world world(7);
        sim::cluster cluster(world, {.link_delay_max = 500ms});
        world.run(cut_while_dialling(cluster, world, moment));
    }
}
TEST_CASE("a restart tells those who wait nothing new") { simulate(waits_through_a_restart); }
TEST_CASE("a node that stays away is said by name") { simulate(waits_without_the_node); }
TEST_CASE("a node is unheard 10 seconds after its last word, and not before") { simulate(unheard_in_time); }
TEST_CASE("the log of a container that has not started is refused, not empty") {
    simulate(log_of_what_has_not_started);
}
TEST_CASE("a node that sends all the logs it may refuses one more") { simulate(one_log_too_many); }
TEST_CASE("a log whose link is cut ends with an error") {
    sim::world world(7);
    sim::cluster cluster(world, {.link_delay_max = 20ms});
    world.run(log_is_cut(cluster, world));
}

TEST_CASE("a crash during a flush loses only what was not acknowledged, and may keep what was not told") {
    int lost_count = 0;
    int untold_count = 0;
    int told_count = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed " << seed);
        sim::world world(seed);
        sim::cluster cluster(world, {.flush_delay_max = 10ms});
        crash_story seen;
        auto const moment = std::chrono::milliseconds(1 + seed % 30);
        world.run(created_in_a_crash(cluster, world, moment, seen));
        if (seen.is_acknowledged) CHECK(seen.is_there_later);
        told_count += seen.is_acknowledged ? 1 : 0;
        untold_count += !seen.is_acknowledged && seen.is_there_later ? 1 : 0;
        lost_count += seen.is_there_later ? 0 : 1;
    }
    CHECK(lost_count > 0);
    CHECK(untold_count > 0);
    CHECK(told_count > 0);
}

TEST_CASE("a full disk acknowledges nothing, and nothing of it is there later") {
    simulate(full_disk_stops_the_primary);
}
