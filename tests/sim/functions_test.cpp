// Functions on the real roles in virtual time: where they run, how they are reached, and how they are kept.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;

namespace {

using rows = std::vector<stored<instance>>;
using condition = std::function<bool(rows const&)>;
using scenario = awaitable<> (*)(sim::cluster&, sim::world&);
using offers = std::vector<std::vector<std::string>>;

constexpr char const* rootfs = "https://images.test/fn.ext4";

awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

/// With a node for each of `runtimes`.
void simulate(scenario what, offers runtimes) {
    sim::world world(42);
    sim::cluster_options options;
    options.nodes = runtimes.size();
    options.runtimes = std::move(runtimes);
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, what));
}

std::string function_text(std::string const& more = {}, std::string const& spec = {}) {
    return R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{)" + spec +
           R"("function":{"execution":{"rootfs":")" + rootfs + "\"}" + more + "}}}";
}

/// In RIK's form.
std::string managed(std::string const& kind, std::string const& from, std::string const& more = {}) {
    return R"({"apiVersion":"v1","kind":")" + kind + R"(","name":"fn",)" + more +
           R"("template":{"spec":{"function":{"execution":{"rootfs":")" + from + R"("}}}}})";
}

awaitable<rows> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return listed->rows;
}

awaitable<> apply(sim::cluster& cluster, std::string definition) {
    auto parsed = parse_definition(definition);
    for (auto const& each : parsed.found) FAIL(to_string(each));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const made = co_await std::move(applying);
    if (!made) FAIL(to_string(made.error()));
}

bool all_ready(rows const& all) {
    return !all.empty() && std::ranges::all_of(all, [](auto const& row) { return row->status().ready; });
}

bool all_wait(rows const& all) {
    return std::ranges::all_of(all, [](auto const& row) { return row->status().reason == "Unschedulable"; });
}

condition all_ready_from(std::size_t count, std::string image) {
    return [count, image = std::move(image)](rows const& all) {
        return all.size() == count && all_ready(all) &&
               std::ranges::all_of(all, [&](auto const& row) { return row->spec().containers.front().image == image; });
    };
}

awaitable<> share_a_node(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(function_text(), 3);
    co_await cluster.until(all_ready);
    auto const all = co_await instances(cluster);
    std::set<std::uint16_t> ports;
    for (auto const& row : all) {
        CHECK(row->state() == instance_state::running);
        CHECK(cluster.node(0).is_microvm(row->id()));
        ports.insert(row->exposed_port());
        auto const* const attached = cluster.node(0).find_attachment(row->id());
        REQUIRE(attached != nullptr);
        CHECK(attached->host_ports == host_ports(row->spec(), row->exposed_port()));
    }
    CHECK(ports.size() == 3);
    CHECK(*ports.begin() >= limits::chosen_port_first);
    CHECK(cluster.node(0).attached().size() == 3);
}

awaitable<> go_where_they_can_run(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(function_text(), 4);
    auto const pod =
        R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"a","image":"web:1"}]}})";
    co_await cluster.create(pod, 4);
    co_await cluster.until(sim::all_running(8));
    auto const all = co_await instances(cluster);
    for (auto const& row : all) {
        auto const is_function = row->spec().form == instance_form::function;
        auto const& at = cluster.node(is_function ? 1 : 0);
        CHECK(at.find_sandbox(row->id()) != nullptr);
        CHECK(at.is_microvm(row->id()) == is_function);
    }
}

awaitable<> wait_and_say_why(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(function_text(), 1);
    co_await cluster.until(all_wait);
    auto const all = co_await instances(cluster);
    CHECK(all[0]->status().message ==
          "no node offers runtime microvm: no runtime microvm in this simulation (2 nodes: "
          "node-0, node-1)");
    auto const nodes = co_await cluster.api().nodes().list(caller(), page());
    REQUIRE(nodes.has_value());
    CHECK(nodes->rows[0]->facts.runtimes == std::vector<std::string>{"oci"});
    CHECK(nodes->rows[0]->facts.missing_runtimes.at("microvm") == "no runtime microvm in this simulation");
}

/// `answers` of its port, not that its unit runs, makes it ready.
awaitable<> ready_when_the_port_answers(sim::cluster& cluster, sim::world& world) {
    sim::image_behaviour slow;
    slow.answers = {{0s, false}, {4s, true}};
    cluster.node(0).set_behaviour(rootfs, slow);
    co_await cluster.create(function_text(), 1);
    co_await cluster.until(sim::all_running(1));
    co_await world.time().sleep_for(2s);
    auto all = co_await instances(cluster);
    CHECK_FALSE(all[0]->status().ready);
    co_await world.time().sleep_for(4s);
    all = co_await instances(cluster);
    CHECK(all[0]->status().ready);
    auto const& boot = all[0]->status().containers.at(0).machine;
    REQUIRE(boot);
    CHECK(boot->acceleration == "tcg");
    REQUIRE(boot->steps.size() == 2);
    CHECK(boot->steps[1].name == boot_step_name::ready);
    CHECK(boot->steps[1].after_ms - boot->steps[0].after_ms >= 3000);
}

awaitable<> one_named_port_a_node(sim::cluster& cluster, sim::world&) {
    co_await cluster.create(function_text(R"(,"exposure":{"port":45010,"targetPort":80})"), 3);
    condition two_run_one_waits = [](rows const& all) {
        return std::ranges::count_if(all, [](auto const& row) { return row->status().ready; }) == 2 &&
               std::ranges::count_if(all, [](auto const& row) { return row->status().reason == "Unschedulable"; }) == 1;
    };
    co_await cluster.until(std::move(two_run_one_waits));
    auto const all = co_await instances(cluster);
    for (auto const& row : all) {
        CHECK(row->exposed_port() == 0);
        if (!row->is_pending()) continue;
        CHECK(row->status().message.find("host port is taken (2 nodes: node-0, node-1; 45010/TCP on") == 0);
    }
}

awaitable<> exit_as_the_command_does(sim::cluster& cluster, sim::world&) {
    sim::image_behaviour job;
    job.runs_for = 3s;
    job.exit_code = 7;
    cluster.node(0).set_behaviour(rootfs, job);
    co_await cluster.create(function_text(), 1);
    condition ended = [](rows const& all) { return all.size() == 1 && is_finished(all[0]->state()); };
    co_await cluster.until(std::move(ended));
    auto const all = co_await instances(cluster);
    CHECK(all[0]->state() == instance_state::failed);  // restartPolicy is Never for a bare Function
    CHECK(all[0]->status().containers.at(0).exit_code == 7);
    CHECK(all[0]->exposed_port() != 0);  // as long as its row is there
    CHECK(cluster.node(0).attached().empty());
}

awaitable<> go_on_through_crashes(sim::cluster& cluster, sim::world& world) {
    co_await cluster.create(function_text(), 2);
    co_await cluster.until(all_ready);
    auto const before = co_await instances(cluster);
    auto const starts = cluster.node(0).starts().size();
    co_await cluster.crash_node(0);
    co_await cluster.crash_primary();
    co_await world.time().sleep_for(5s);
    co_await cluster.start_primary();
    co_await cluster.start_node(0);
    co_await cluster.until(all_ready);
    auto const after = co_await instances(cluster);
    for (std::size_t i = 0; i < 2; ++i) CHECK(after[i]->exposed_port() == before[i]->exposed_port());
    CHECK(cluster.node(0).starts().size() == starts);  // taken over, not started anew
    for (auto const& row : before) {
        auto const deleted = co_await cluster.api().instances().remove(caller(), row->id(), any_revision);
        CHECK(deleted.has_value());
    }
    co_await cluster.until(sim::none_left);
    CHECK(cluster.node(0).occupied().empty());
}

awaitable<> are_kept_and_rolled(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("Deployment", "/srv/a.ext4", R"("replicas":3,)"));
    co_await cluster.until(all_ready_from(3, "/srv/a.ext4"));
    co_await apply(cluster, managed("Deployment", "/srv/b.ext4", R"("replicas":3,)"));
    co_await cluster.until(all_ready_from(3, "/srv/b.ext4"));
    co_await world.time().sleep_for(30s);
    object_ref which("fn");
    auto const told = co_await cluster.api().workloads().story(caller(), std::move(which));
    REQUIRE(told.has_value());
    CHECK(told->releases.size() == 2);
    CHECK(told->progress->is_complete);
    auto const all = co_await instances(cluster);
    CHECK(all[0]->spec().restart == restart_policy::always);
    auto const removed = co_await cluster.api().instances().remove(caller(), all[0]->id(), any_revision);
    CHECK(removed.has_value());
    auto const is_gone = all[0]->id();
    condition is_replaced = [is_gone](rows const& now) {
        return all_ready_from(3, "/srv/b.ext4")(now) &&
               std::ranges::none_of(now, [&](auto const& row) { return row->id() == is_gone; });
    };
    co_await cluster.until(std::move(is_replaced));
}

awaitable<> are_on_each_node(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, managed("DaemonSet", "/srv/a.ext4"));
    co_await cluster.until(all_ready_from(2, "/srv/a.ext4"));
    std::set<node_id> nodes;
    auto const all = co_await instances(cluster);
    for (auto const& row : all) nodes.insert(row->binding()->node);
    CHECK(nodes.size() == 2);
    co_await apply(cluster, managed("DaemonSet", "/srv/b.ext4"));
    co_await cluster.until(all_ready_from(2, "/srv/b.ext4"));
    co_await world.time().sleep_for(30s);
    object_ref which("fn");
    auto const told = co_await cluster.api().workloads().story(caller(), std::move(which));
    REQUIRE(told.has_value());
    CHECK(told->progress->wanted == 2);
    CHECK(told->progress->is_complete);
}

awaitable<> a_replica_set_scales(sim::cluster& cluster, sim::world&) {
    co_await apply(cluster, managed("ReplicaSet", "/srv/a.ext4", R"("replicas":4,)"));
    co_await cluster.until(all_ready_from(4, "/srv/a.ext4"));
    co_await apply(cluster, managed("ReplicaSet", "/srv/a.ext4", R"("replicas":1,)"));
    co_await cluster.until(all_ready_from(1, "/srv/a.ext4"));
}

offers const one_node{{"oci", "microvm"}};
offers const two_nodes{{"oci", "microvm"}, {"oci", "microvm"}};

}  // namespace

TEST_CASE("replicas of a Function share a node, each with a port of its own", "[sim]") {
    simulate(share_a_node, one_node);
}
TEST_CASE("a Function runs where microVMs are offered, a Pod where containers are", "[sim]") {
    simulate(go_where_they_can_run, {{"oci"}, {"microvm"}});
}
TEST_CASE("a Function stays pending and says what the nodes lack", "[sim]") {
    simulate(wait_and_say_why, {{"oci"}, {"oci"}});
}
TEST_CASE("a Function is ready when its port answers", "[sim]") { simulate(ready_when_the_port_answers, one_node); }
TEST_CASE("a port that a Function's definition names is there once on each node", "[sim]") {
    simulate(one_named_port_a_node, two_nodes);
}
TEST_CASE("a bare Function ends with the code of its command", "[sim]") {
    simulate(exit_as_the_command_does, one_node);
}
TEST_CASE("Functions and their ports outlive the crash of primary and node", "[sim]") {
    simulate(go_on_through_crashes, one_node);
}
TEST_CASE("a Deployment of Functions is rolled out like one of Pods", "[sim]") {
    simulate(are_kept_and_rolled, two_nodes);
}
TEST_CASE("a DaemonSet of Functions has one on each node that offers microVMs", "[sim]") {
    simulate(are_on_each_node, {{"oci", "microvm"}, {"oci"}, {"microvm"}});
}
TEST_CASE("a ReplicaSet of Functions is kept at its count", "[sim]") { simulate(a_replica_set_scales, two_nodes); }
