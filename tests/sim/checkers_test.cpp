// The simulation itself: a machine does not do what cannot be done, and the checkers see each rule that is broken.
#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <string>

using namespace rik;
using namespace std::chrono_literals;

namespace {

bool is_about(std::string const& verdict, std::string_view what) { return verdict.find(what) != std::string::npos; }

awaitable<result<void>> start_by_hand(sim::machine& on, instance_id id, container_definition what) {
    sandbox_request sandbox{.instance = id};
    auto const made = co_await on.create_sandbox(std::move(sandbox));
    CHECK(made.has_value());
    container_request container{.key = {id, what.name}, .definition = what};
    auto const started = co_await on.start_container(std::move(container));
    if (!started) co_return started.error();
    co_return result<void>{};
}

/// How many instances of `what` a machine takes of four that it is told to start, and what it says then.
struct refusal_seen {
    int started_count = 0;
    std::string why = {};
};

refusal_seen fill(container_definition const& what) {
    sim::world world;
    node_facts facts{.name = "small", .boot_id = {}, .version = "sim"};
    facts.capacity.set(resource::cpu, 1000);
    facts.capacity.set(resource::memory, 1 << 30);
    facts.capacity.set(resource::storage, 1 << 30);
    facts.capacity.set(resource::pods, 3);
    sim::machine machine(world.executor(), world.time(), std::move(facts));
    refusal_seen seen;
    sim::machine_witness witness;
    witness.refused = [&](instance_id const&, error const& why) { seen.why = why.message; };
    machine.set_witness(std::move(witness));
    for (int i = 0; i < 4; ++i) {
        auto const id = instance_id::generate(world.random());
        auto const started = world.run(start_by_hand(machine, id, what));
        seen.started_count += started ? 1 : 0;
        if (!started) CHECK(started.error().code == errc::exhausted);
    }
    return seen;
}

pod_attachment pod_at(instance_id id, std::string address, std::uint16_t host_port, port_protocol protocol) {
    pod_attachment made{.instance = id, .network_namespace = {}, .address = std::move(address)};
    made.host_ports.push_back({.port = 80, .host_port = host_port, .protocol = protocol});
    return made;
}

awaitable<> ports_are_taken(sim::machine& on, sim::world& world) {
    auto const first = instance_id::generate(world.random());
    auto const second = instance_id::generate(world.random());
    auto const attached = co_await on.attach(pod_at(first, "10.0.0.2", 8080, port_protocol::tcp));
    CHECK(attached.has_value());
    auto const again = co_await on.attach(pod_at(first, "10.0.0.2", 8080, port_protocol::tcp));
    CHECK(again.has_value());
    on.cut_off(first);  // it is its all the same
    auto const same_port = co_await on.attach(pod_at(second, "10.0.0.3", 8080, port_protocol::tcp));
    REQUIRE_FALSE(same_port.has_value());
    CHECK(same_port.error().code == errc::conflict);
    CHECK(is_about(same_port.error().message, "host port 8080/TCP"));
    auto const same_address = co_await on.attach(pod_at(second, "10.0.0.2", 8081, port_protocol::tcp));
    REQUIRE_FALSE(same_address.has_value());
    CHECK(is_about(same_address.error().message, "address 10.0.0.2"));
    auto const other_protocol = co_await on.attach(pod_at(second, "10.0.0.3", 8080, port_protocol::udp));
    CHECK(other_protocol.has_value());
    auto const detached = co_await on.detach(first);
    CHECK(detached.has_value());
    auto const third = instance_id::generate(world.random());
    auto const freed = co_await on.attach(pod_at(third, "10.0.0.2", 8080, port_protocol::tcp));
    CHECK(freed.has_value());
}

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"web",
    "image":"web:1","resources":{"requests":{"cpu":"3"}},"ports":[{"containerPort":80,"hostPort":8080}]}]}})";

using scenario = awaitable<> (*)(sim::cluster&, sim::world&);

/// What the checkers say after `what`.
std::string verdict_after(scenario what, sim::cluster_options options = {}) {
    sim::world world(42);
    sim::cluster cluster(world, std::move(options));
    world.run(what(cluster, world));
    auto verdict = cluster.violations();
    world.run(cluster.stop());
    return verdict;
}

bool all_have_ended(std::vector<stored<instance>> const& rows) {
    return !rows.empty() && is_finished(rows.front()->state());
}

awaitable<> somebody_has_the_port(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    auto const stranger = instance_id::generate(world.random());
    auto const attached = co_await cluster.node(0).attach(pod_at(stranger, "10.0.0.2", 8080, port_protocol::tcp));
    CHECK(attached.has_value());
    co_await cluster.create(web, 1);
    co_await cluster.until(all_have_ended);
}

awaitable<> somebody_has_the_room(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    container_definition large{.name = "large"};
    large.requests.set(resource::cpu, 2000);
    auto const id = instance_id::generate(world.random());
    auto const started = co_await start_by_hand(cluster.node(0), id, std::move(large));
    CHECK(started.has_value());
    co_await cluster.create(web, 1);
    co_await world.time().sleep_for(5s);  // it is tried again for ever
}

awaitable<> two_are_made(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(web, 2);
    co_await world.time().sleep_for(5s);
}

/// Neither the scheduler nor the primary looks at what a node has left.
placement_policy blind() { return {{filters::is_not_ready, filters::lacks_runtime}, {}}; }

awaitable<> somebody_kills_it(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    co_await cluster.create(web, 1);
    co_await cluster.until(sim::all_running(1));
    auto const running = cluster.node(0).running();
    auto key = running.at(0);
    auto const killed = co_await cluster.node(0).kill_container(std::move(key));
    CHECK(killed.has_value());
    co_await cluster.until(all_have_ended);
}

/// It waits, since nothing offers microVMs.
awaitable<> somebody_starts_a_function(sim::cluster& cluster, sim::world&) {
    co_await cluster.start();
    co_await cluster.create(
        R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{"function":{"execution":{"rootfs":"/srv/a"}}}})",
        1);
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    container_definition what{.name = "function"};
    auto const started = co_await start_by_hand(cluster.node(0), rows->rows.front()->id(), std::move(what));
    CHECK(started.has_value());
}

/// Its network, its image and its power are not RIK's fault.
awaitable<> others_are_at_fault(sim::cluster& cluster, sim::world& world) {
    co_await cluster.start();
    cluster.node(0).faults.attach_error = error{errc::internal, "no more links"};
    co_await cluster.create(web, 1);
    co_await cluster.until(all_have_ended);
    cluster.node(0).faults = {};
    sim::image_behaviour failing;
    failing.runs_for = 1s;
    failing.exit_code = 1;
    cluster.node(0).set_behaviour("web:1", failing);
    auto parsed = parse_definition(R"({"apiVersion":"v1","kind":"Pod","name":"other","spec":{"containers":[{
        "name":"web","image":"web:1"}]}})");
    auto const made = co_await cluster.api().workloads().create(caller(), std::move(parsed.definition));
    create_instances_request one{.workload = made->row->id};
    auto const instances = co_await cluster.api().instances().create(caller(), std::move(one));
    CHECK(instances.has_value());
    co_await world.time().sleep_for(10s);
    auto const rows = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    for (auto const& row : rows->rows) CHECK(row->state() == instance_state::failed);
}

}  // namespace

TEST_CASE("a simulated machine takes no more than it offers") {
    container_definition half{.name = "half"};
    half.requests.set(resource::cpu, 500);
    CHECK(fill(half).started_count == 2);
    CHECK(is_about(fill(half).why, "cpu: 1500 would be taken, 1000 is offered"));
    container_definition large{.name = "large"};
    large.requests.set(resource::memory, 512 << 20);
    CHECK(fill(large).started_count == 2);
    CHECK(is_about(fill(large).why, "memory"));
    container_definition deep{.name = "deep"};
    deep.requests.set(resource::storage, 1 << 30);
    CHECK(fill(deep).started_count == 1);
    CHECK(is_about(fill(deep).why, "ephemeral-storage"));
    container_definition const small{.name = "small"};
    CHECK(fill(small).started_count == 3);
    CHECK(is_about(fill(small).why, "pods: 4"));
}

TEST_CASE("a simulated machine has each address and each host port once, until its Pod is detached") {
    sim::world world;
    sim::machine machine(world.executor(), world.time(), {.name = "node", .boot_id = {}, .version = "sim"});
    int refused_count = 0;
    sim::machine_witness witness;
    witness.refused = [&](instance_id const&, error const&) { ++refused_count; };
    machine.set_witness(std::move(witness));
    world.run(ports_are_taken(machine, world));
    CHECK(refused_count == 2);
}

TEST_CASE("the checkers see a Pod that fails because of what RIK did") {
    auto const port = verdict_after(somebody_has_the_port);
    CHECK(is_about(port, "node-0 was told by instance"));
    CHECK(is_about(port, "host port 8080/TCP"));
    CHECK(is_about(port, "failed on node-0 by RIK's own fault: NetworkFailed"));
    auto const room = verdict_after(somebody_has_the_room);
    CHECK(is_about(room, "cpu: 5000 would be taken, 4000 is offered"));
    CHECK(is_about(verdict_after(somebody_kills_it), "failed on node-0 by RIK's own fault: Error"));
    CHECK(verdict_after(others_are_at_fault) == "");
}

TEST_CASE("the checkers see bindings past what a node offers") {
    auto const verdict = verdict_after(two_are_made, {.policy = blind()});
    CHECK(is_about(verdict, "cpu of node-0: 6000 promised, 4000 offered"));
    CHECK(is_about(verdict, "host port 8080/TCP of node-0 is promised to instances"));
}

TEST_CASE("the checkers see a Function that is started as containers, or where no microVMs are offered") {
    CHECK(is_about(verdict_after(somebody_starts_a_function), "a Function, was started by another runtime"));
    CHECK(is_about(verdict_after(somebody_starts_a_function, {.runtimes = {{"oci"}}}),
                   "a Function, was started by another runtime than microvm on node-0"));
}

TEST_CASE("the checkers see what is on a machine and has no room there") {
    sim::world world;
    sim::cluster cluster(world, {});
    auto const id = instance_id::generate(world.random());
    container_definition const what{.name = "main"};
    auto const started = world.run(start_by_hand(cluster.node(0), id, what));
    CHECK(started.has_value());
    CHECK(is_about(cluster.violations(), "instance " + id.text() + " is on node-0, and has no room there"));
}

TEST_CASE("the checkers see an instance that is started on two machines, even one after the other") {
    sim::world world;
    sim::cluster cluster(world, {.nodes = 2});
    auto const id = instance_id::generate(world.random());
    container_definition const what{.name = "main"};
    auto const first = world.run(start_by_hand(cluster.node(0), id, what));
    cluster.node(0).power_off();
    auto const again = world.run(start_by_hand(cluster.node(0), id, what));
    CHECK_FALSE(is_about(cluster.violations(), "was started on"));
    cluster.node(0).power_off();
    auto const elsewhere = world.run(start_by_hand(cluster.node(1), id, what));
    CHECK((first && again && elsewhere));
    CHECK(is_about(cluster.violations(), "instance " + id.text() + " was started on node-0 and node-1"));
}
