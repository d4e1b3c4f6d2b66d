#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <set>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"containers":[{"name":"web","image":"web:1","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}})";
constexpr char const* two_containers = R"({"apiVersion":"v1","kind":"Pod","name":"pair",
    "spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}})";
constexpr char const* with_host_port = R"({"apiVersion":"v1","kind":"Pod","name":"edge",
    "spec":{"containers":[{"name":"web","image":"web:1","ports":[{"containerPort":80,"hostPort":8080}]}]}})";

using scenario = awaitable<> (*)(sim::cluster&, sim::world&);

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// Runs `what` on a fresh cluster.
void simulate(scenario what, sim::cluster_options options = {}) {
    sim::world world(42);
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, what));
}

awaitable<std::vector<stored<instance>>> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return listed->rows;
}

bool all_ended(std::vector<stored<instance>> const& rows) {
    return std::all_of(rows.begin(), rows.end(), [](auto const& row) { return is_finished(row->state()); });
}

bool twenty_run(std::vector<stored<instance>> const& rows) {
    return 20 == std::ranges::count_if(rows, [](auto const& row) { return row->state() == instance_state::running; });
}

std::string pod_of(std::string const& name, std::string const& image) {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
           R"(","spec":{"containers":[{"name":"main","image":")" + image + R"("}]}})";
}

bool two_run(std::vector<stored<instance>> const& rows) {
    return 2 == std::count_if(rows.begin(), rows.end(),
                              [](auto const& row) { return row->state() == instance_state::running; });
}

awaitable<> runs_and_goes(sim::cluster& cluster, sim::world&) {
    auto const id = co_await cluster.create(web, 3);
    co_await cluster.until(sim::all_running(3));
    auto const rows = co_await instances(cluster);
    REQUIRE(rows.size() == 3);
    std::set<std::string> addresses;
    for (auto const& row : rows) addresses.insert(row->status().addresses.at(0));
    CHECK(addresses.size() == 3);
    CHECK(cluster.node(0).running().size() == 3);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), id, any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
    auto const workloads = co_await cluster.api().workloads().list(caller(), workload_filter(), page());
    CHECK(workloads->rows.empty());
}

awaitable<> all_exit_with_zero(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour job;
    job.runs_for = 3s;
    cluster.node(0).set_behaviour(job);
    co_await cluster.create(two_containers, 1);
    co_await cluster.until(all_ended);
    auto const rows = co_await instances(cluster);
    CHECK(rows[0]->state() == instance_state::succeeded);
    CHECK(rows[0]->status().containers.at(1).exit_code == 0);
}

awaitable<> one_fails(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour failing;
    failing.runs_for = 1s;
    failing.exit_code = 3;
    cluster.node(0).set_behaviour("b:1", failing);
    sim::image_behaviour longer;
    longer.runs_for = 5s;
    cluster.node(0).set_behaviour("a:1", longer);
    co_await cluster.create(two_containers, 1);
    co_await cluster.until(all_ended);
    auto const rows = co_await instances(cluster);
    CHECK(rows[0]->state() == instance_state::failed);
    CHECK(rows[0]->status().containers.at(1).exit_code == 3);
    CHECK(rows[0]->status().message.find("exited with 3") != std::string::npos);
    CHECK(cluster.node(0).running().empty());
}

/// Three starts hang for two minutes each, which is all that start at once.
awaitable<> others_start(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour hangs;
    hangs.start_time = 2min;
    hangs.start_error = error{errc::timed_out, "runc: not done in time"};
    cluster.node(0).set_behaviour("hangs:1", hangs);
    co_await cluster.create(pod_of("a", "hangs:1"), 3);
    co_await world.time().sleep_for(1s);
    auto const begin = world.time().now();
    co_await cluster.create(pod_of("b", "web:1"), 20);
    co_await cluster.until(twenty_run);
    CHECK(world.time().now() - begin < 5s);
}

awaitable<> three_run(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(with_host_port, 3);
    co_await cluster.until(sim::all_running(3));
}

awaitable<> pull_fails(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour absent;
    absent.pull_error = error{errc::not_found, "image web:1: the registry does not have it"};
    cluster.node(0).set_behaviour("web:1", absent);
    co_await cluster.create(web, 1);
    co_await cluster.until(all_ended);
    auto const rows = co_await instances(cluster);
    CHECK(rows[0]->state() == instance_state::failed);
    CHECK(rows[0]->status().reason == "ImagePullFailed");
    CHECK(rows[0]->status().message.find("registry does not have it") != std::string::npos);
}

bool wait_for_the_network(std::vector<stored<instance>> const& rows) {
    return rows.size() == 2 && std::all_of(rows.begin(), rows.end(), [](auto const& row) {
               return row->status().message.find("in use by interface br0") != std::string::npos;
           });
}

awaitable<node> the_node(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().nodes().list(caller(), page());
    REQUIRE(listed.has_value());
    REQUIRE(listed->rows.size() == 1);
    co_return *listed->rows[0].row;
}

awaitable<> until_node_is(sim::cluster& cluster, sim::world& world, node_state wanted) {
    for (int i = 0; i < 6000; ++i) {
        auto const seen = co_await the_node(cluster);
        if (seen.state == wanted) co_return;
        co_await world.time().sleep_for(10ms);
    }
    FAIL("the node never becomes " << to_string(wanted));
}

awaitable<std::vector<std::string>> reasons_of_the_node(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(listed.has_value());
    std::vector<std::string> reasons;
    for (auto const& row : listed->rows) {
        auto const happened = parse_event(*row);
        if (happened->object_kind == "node") reasons.push_back(happened->reason);
    }
    co_return reasons;
}

/// The instances are created at once, so that they may be bound before it is known that the network does not open.
awaitable<> network_is_late(sim::cluster& cluster) {
    cluster.node(0).set_network_error(error{errc::conflict, "subnet in use by interface br0"});
    co_await cluster.start();
    co_await cluster.create(web, 2);
    co_await cluster.until(wait_for_the_network);
    auto const rows = co_await instances(cluster);
    auto const deleted = co_await cluster.api().instances().remove(caller(), rows[0]->id(), any_revision);
    CHECK(deleted.has_value());
    cluster.node(0).set_network_error(std::nullopt);
    co_await cluster.until(sim::all_running(1));
    CHECK(cluster.node(0).attached().size() == 1);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// A node whose network does not open, or is lost later, says so; nothing is placed there until it is well again.
awaitable<> node_is_in_trouble(sim::cluster& cluster, sim::world& world, bool is_late) {
    error const why{errc::conflict, "subnet in use by interface br0"};
    if (!is_late) cluster.node(0).set_network_error(why);
    co_await cluster.start();
    if (is_late) co_await world.time().sleep_for(5s);
    if (is_late) cluster.node(0).set_network_error(why);
    co_await until_node_is(cluster, world, node_state::not_ready);
    auto const seen = co_await the_node(cluster);
    REQUIRE(seen.facts.troubles.size() == 1);
    CHECK(seen.facts.troubles[0].reason == "NetworkNotReady");
    CHECK(seen.facts.troubles[0].message == "subnet in use by interface br0");
    co_await cluster.create(web, 2);
    co_await cluster.until(wait_for_the_network);
    auto const rows = co_await instances(cluster);
    for (auto const& row : rows) CHECK(row->is_pending());
    cluster.node(0).set_network_error(std::nullopt);
    co_await cluster.until(sim::all_running(2));
    auto const after = co_await the_node(cluster);
    CHECK(after.state == node_state::ready);
    CHECK(after.facts.troubles.empty());
    auto const reasons = co_await reasons_of_the_node(cluster);
    CHECK(reasons == std::vector<std::string>{"NodeRegistered", "NetworkNotReady", "NodeReady"});
    co_await cluster.stop();
}

awaitable<> third_waits_for_room(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(web, 3);
    co_await cluster.until(two_run);
    auto const rows = co_await instances(cluster);
    auto const waiting = std::find_if(rows.begin(), rows.end(), [](auto const& row) { return row->is_pending(); });
    REQUIRE(waiting != rows.end());
    auto const running = std::find_if(rows.begin(), rows.end(), [](auto const& row) { return !row->is_pending(); });
    auto const deleted = co_await cluster.api().instances().remove(caller(), (*running)->id(), any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::all_running(2));
    auto const after = co_await instances(cluster);
    CHECK(after.size() == 2);
}

awaitable<> one_per_node(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(with_host_port, 3);
    co_await cluster.until(two_run);
    auto const rows = co_await instances(cluster);
    std::vector<node_id> bound;
    for (auto const& row : rows)
        if (row->binding()) bound.push_back(row->binding()->node);
    CHECK(bound.size() == 2);
    CHECK(std::set<node_id>(bound.begin(), bound.end()).size() == 2);
}

awaitable<> stubborn_is_killed(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour stubborn;
    stubborn.stop_time = 24h;
    cluster.node(0).set_behaviour(stubborn);
    auto const id = co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const before = world.time().now();
    auto const deleted = co_await cluster.api().workloads().remove(caller(), id, any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    auto const took = world.time().now() - before;
    CHECK(took >= limits::grace_period_default);
    CHECK(took < limits::grace_period_default + 2s);
}

awaitable<> many_at_once(sim::cluster& cluster, sim::world&) {
    auto const id = co_await cluster.create(two_containers, 400);
    co_await cluster.until(sim::all_running(400));
    auto const deleted = co_await cluster.api().workloads().remove(caller(), id, any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    for (std::size_t index = 0; index < cluster.node_count(); ++index) CHECK(cluster.node(index).occupied().empty());
}

awaitable<std::vector<std::string>> story_of_the_first(sim::cluster& cluster) {
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const rows = co_await instances(cluster);
    event_filter of{.object_id = rows[0]->id().text()};
    auto const events = co_await cluster.api().events().list(caller(), of);
    REQUIRE(events.has_value());
    std::vector<std::string> reasons;
    for (auto const& row : events->rows) reasons.push_back(parse_event(*row)->reason);
    co_return reasons;
}

awaitable<> story_is_told(sim::cluster& cluster, sim::world&) {
    auto const reasons = co_await story_of_the_first(cluster);
    CHECK(reasons == std::vector<std::string>{"Created", "Scheduled", "Started"});
}

awaitable<> story_of_a_slow_start_is_told(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour slow;
    slow.start_time = 1s;
    cluster.node(0).set_behaviour("web:1", slow);
    auto const reasons = co_await story_of_the_first(cluster);
    CHECK(reasons == std::vector<std::string>{"Created", "Scheduled", "Preparing", "Started"});
}

awaitable<> log_is_read(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const rows = co_await instances(cluster);
    container_log_request what{.instance = rows[0]->id()};
    auto const log = co_await cluster.api().streams().open_container_log(caller(), what);
    REQUIRE(log.has_value());
    auto const first = co_await (*log)->read();
    CHECK(*first == "hello\n");
    auto const end = co_await (*log)->read();
    CHECK(end->empty());
}

}  // namespace

TEST_CASE("instances run with addresses of their own, and leave nothing when they are deleted") {
    simulate(runs_and_goes);
}
TEST_CASE("a Pod whose containers all exit with 0 has succeeded") { simulate(all_exit_with_zero); }
TEST_CASE("a container that exits otherwise fails its Pod when the rest has ended") { simulate(one_fails); }
TEST_CASE("starts that hang hold up no other") { simulate(others_start); }
TEST_CASE("an image that cannot be pulled fails the instance and says why") { simulate(pull_fails); }
TEST_CASE("Pods say that they wait for the network of their node, and start when it opens") {
    sim::world world(42);
    sim::cluster cluster(world, {});
    world.run(network_is_late(cluster));
}
TEST_CASE("a node whose network does not open says so, and gets nothing until it does") {
    sim::world world(42);
    sim::cluster cluster(world, {});
    world.run(node_is_in_trouble(cluster, world, false));
}
TEST_CASE("a node that loses its network says so, and gets nothing until it has it back") {
    sim::world world(42);
    sim::cluster cluster(world, {});
    world.run(node_is_in_trouble(cluster, world, true));
}
TEST_CASE("what fits nowhere waits, and is placed when room appears") {
    simulate(third_waits_for_room, {.cpu_milli_per_node = 2000});
}
TEST_CASE("a host port is given once per node") { simulate(one_per_node, {.nodes = 2}); }
TEST_CASE("a container that ignores the stop signal is killed after the grace period") { simulate(stubborn_is_killed); }
TEST_CASE("four hundred Pods on ten nodes come and go") { simulate(many_at_once, {.nodes = 10}); }
TEST_CASE("events tell the story of an instance") { simulate(story_is_told); }
TEST_CASE("that an instance is being prepared is told if it takes long") { simulate(story_of_a_slow_start_is_told); }
TEST_CASE("a log is read through all the roles") { simulate(log_is_read); }

TEST_CASE("more nodes than the usual network of a cluster has room for join, too") {
    simulate(three_run, {.nodes = 300});
}
TEST_CASE("a call that makes no sense says what is wrong") {
    sim::world world(42);
    sim::cluster cluster(world, {});
    world.run(cluster.start());
    CHECK_THROWS_AS(world.run(cluster.start_primary()), std::logic_error);
    world.run(cluster.crash_primary());
    CHECK_THROWS_AS(world.run(cluster.until(sim::none_left)), std::logic_error);
    CHECK_THROWS_AS(world.run(cluster.crash_primary()), std::logic_error);
    CHECK_THROWS_AS(cluster.fail_primary_disk({}), std::logic_error);
    world.run(cluster.power_off(0));
    world.run(cluster.power_off(0));
    CHECK_THROWS_AS(world.run(cluster.crash_node(0)), std::logic_error);
    CHECK_THROWS_WITH(cluster.api(), Catch::Contains("call start_primary"));
}

TEST_CASE("all of a number of instances run only if that many are there") {
    CHECK(sim::all_running(0)({}));
    CHECK_FALSE(sim::all_running(1)({}));
}
