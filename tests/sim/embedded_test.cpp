// A cluster of all roles inside a host program that changes its mind.
#include <rik/async/task_group.hpp>
#include <rik/cluster.hpp>
#include <rik/sim/faulty_disk.hpp>
#include <rik/sim/machine.hpp>
#include <rik/sim/world.hpp>

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"containers":[{"name":"web","image":"web:1"}]}})";

node_facts facts_of_a_machine() {
    node_facts facts{.name = "node", .boot_id = {}, .version = "sim"};
    facts.capacity.set(resource::cpu, 4000);
    facts.capacity.set(resource::memory, std::int64_t{8} << 30);
    facts.capacity.set(resource::pods, 110);
    return facts;
}

awaitable<> stop_it(cluster& which) { co_await which.stop(); }

/// Whoever stops the cluster is cancelled while its node waits for the disk.
awaitable<> stop_is_cancelled(sim::world& world) {
    sim::machine machine(world.executor(), world.time(), facts_of_a_machine());
    sim::faulty_disk primary_disk(world, std::make_shared<memory_disk>());
    sim::faulty_disk node_disk(world, std::make_shared<memory_disk>());
    cluster_ports const ports{world.time(), world.random(), primary_disk, node_disk, machine,
                              machine,      machine,        machine,      machine};
    auto inner = std::make_unique<cluster>(world.executor(), ports, cluster_options());
    auto const started = co_await inner->start();
    REQUIRE(started.has_value());
    co_await world.time().sleep_for(5s);
    node_disk.flush_time = 1s;
    auto parsed = parse_definition(web);
    auto const made = co_await inner->api().workloads().create(caller(), std::move(parsed.definition));
    REQUIRE(made.has_value());
    create_instances_request request{.workload = made->row->id};
    auto const instances = co_await inner->api().instances().create(caller(), std::move(request));
    REQUIRE(instances.has_value());
    co_await world.time().sleep_for(10ms);
    task_group callers(world.executor());
    callers.spawn(stop_it(*inner));
    co_await world.time().sleep_for(10ms);
    auto const before = world.time().now();
    co_await callers.stop();
    CHECK(world.time().now() > before);
    inner.reset();  // asserts that nothing of it runs
}

/// Of errors that tell of the broken disk.
class counting_sink final : public log_sink {
public:
    void write(log_level level, std::string_view, std::span<log_field const> fields) override {
        for (auto const& each : fields)
            if (level == log_level::error && each.value.find(broken) != each.value.npos) ++count;
    }
    static constexpr char const* broken = "no space left on the simulated disk";
    int count = 0;
};

/// Whoever asks for the failure has it: an error in the log would be a second one of the same thing. That it stopped
/// with changes that are not on the disk is a warning of its own.
awaitable<> disk_fails(sim::world& world, int which) {
    sim::machine machine(world.executor(), world.time(), facts_of_a_machine());
    sim::faulty_disk primary_disk(world, std::make_shared<memory_disk>());
    sim::faulty_disk node_disk(world, std::make_shared<memory_disk>());
    cluster_ports const ports{world.time(), world.random(), primary_disk, node_disk, machine,
                              machine,      machine,        machine,      machine};
    counting_sink sink;
    cluster_options options;
    options.out = rik::log(sink);
    cluster inner(world.executor(), ports, std::move(options));
    auto const started = co_await inner.start();
    REQUIRE(started.has_value());
    co_await world.time().sleep_for(5s);
    auto& broken = which == 0 ? primary_disk : node_disk;
    broken.fail(error{errc::exhausted, counting_sink::broken});
    auto parsed = parse_definition(web);
    auto const made = co_await inner.api().workloads().create(caller(), std::move(parsed.definition));
    if (made) {
        create_instances_request request{.workload = made->row->id};
        auto const instances = co_await inner.api().instances().create(caller(), std::move(request));
        CHECK(instances.has_value());
    }
    auto const why = co_await inner.failure();
    CHECK(why.code == errc::exhausted);
    co_await inner.stop();
    CHECK(sink.count == 0);
}

/// Every node would be refused later, one after the other.
awaitable<> range_is_wrong(sim::world& world) {
    sim::machine machine(world.executor(), world.time(), facts_of_a_machine());
    auto const contents = std::make_shared<memory_disk>();
    sim::faulty_disk primary_disk(world, contents);
    sim::faulty_disk node_disk(world, std::make_shared<memory_disk>());
    cluster_ports const ports{world.time(), world.random(), primary_disk, node_disk, machine,
                              machine,      machine,        machine,      machine};
    for (auto const* range : {"10.0.0.0/8x", "127.0.0.0/16", "10.0.0.0/25"}) {
        INFO(range);
        cluster_options options;
        options.cluster_cidr = range;
        cluster inner(world.executor(), ports, std::move(options));
        auto const started = co_await inner.start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().code == errc::invalid);
    }
}

}  // namespace

TEST_CASE("a cluster does not start with a range that Pods cannot have") {
    sim::world world(7);
    world.run(range_is_wrong(world));
}

TEST_CASE("a disk that fails is told to the owner of the cluster, who logs the error") {
    auto const which = GENERATE(0, 1);
    sim::world world(7);
    world.run(disk_fails(world, which));
}

TEST_CASE("a cluster stops to the end when its caller is cancelled") {
    sim::world world(7);
    world.run(stop_is_cancelled(world));
}
