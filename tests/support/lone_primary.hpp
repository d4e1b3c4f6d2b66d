// A primary alone in virtual time: the test is its scheduler, and has its disk in its hands.
#pragma once

#include "catch.hpp"
#include "played_scheduler.hpp"

#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/primary/primary.hpp>
#include <rik/sim/faulty_disk.hpp>
#include <rik/sim/world.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

using namespace std::chrono_literals;

/// Use it inside of `simulate`.
class lone_primary {
public:
    explicit lone_primary(sim::world& in, std::shared_ptr<memory_disk> contents = std::make_shared<memory_disk>())
        : world(in),
          scheduler(in.executor(),
                    [this](facts const& news) { items.insert(items.end(), news.items.begin(), news.items.end()); }),
          contents_(std::move(contents)),
          streams_(in.executor()),
          tasks(in.executor()) {
        make();
    }

    void start_scheduler() { tasks.spawn(scheduler.run()); }
    awaitable<> start() {
        auto const started = co_await role->start();
        REQUIRE(started.has_value());
    }
    /// What was not flushed is gone; another one is there, and not yet started.
    awaitable<> crash() {
        error const crashed{errc::unavailable, "the process has crashed"};
        disk->fail(crashed);
        co_await role->stop();
        make();
    }
    awaitable<> stop() {
        co_await role->stop();
        co_await tasks.stop();
    }

    awaitable<> report(reports news) {
        while (!scheduler.session) co_await world.time().sleep_for(10ms);
        auto const sent = co_await scheduler.session->send(std::move(news));
        REQUIRE(sent.has_value());
    }
    /// A node with room for everything.
    awaitable<node_id> join_node() {
        node_report hello{.node = node_id::generate(world.random())};
        hello.facts = node_facts{.name = "node-0"};
        hello.facts->capacity.set(resource::pods, 1'000'000);
        hello.facts->capacity.set(resource::memory, std::int64_t{1} << 50);
        hello.facts->runtimes = {"oci", "microvm"};
        reports news;
        news.nodes.push_back(hello);
        co_await report(std::move(news));
        for (;;) {
            auto const listed = co_await role->nodes().list(caller(), page());
            if (!listed->rows.empty()) co_return hello.node;
            co_await world.time().sleep_for(10ms);
        }
    }

    awaitable<workload_id> create_workload(std::string name) {
        return create_from(R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
                           R"(","spec":{"containers":[{"name":"web","image":"web:1"}]}})");
    }
    awaitable<workload_id> create_from(std::string definition) {
        auto parsed = parse_definition(definition);
        REQUIRE(parsed.found.empty());
        auto const made = co_await role->workloads().create(caller(), std::move(parsed.definition));
        REQUIRE(made.has_value());
        co_return made->row->id;
    }
    awaitable<std::vector<stored<instance>>> create_instances(workload_id of, std::uint32_t count) {
        create_instances_request what{.workload = of, .replicas = count};
        auto const made = co_await role->instances().create(caller(), std::move(what));
        REQUIRE(made.has_value());
        co_return *made;
    }
    awaitable<std::vector<stored<instance>>> instances() {
        auto const listed = co_await role->instances().list(caller(), instance_filter(), page());
        REQUIRE(listed.has_value());
        co_return listed->rows;
    }

    memory_disk const& contents() const { return *contents_; }

    sim::world& world;
    std::vector<item> items;  ///< what the scheduler was told
    played_scheduler scheduler;
    std::unique_ptr<sim::faulty_disk> disk;
    std::unique_ptr<primary> role;

private:
    void make() {
        role.reset();
        disk = std::make_unique<sim::faulty_disk>(world, contents_);
        primary_ports const ports{world.time(), world.random(), *disk, scheduler, streams_};
        role = std::make_unique<primary>(world.executor(), ports, primary_options());
    }

    std::shared_ptr<memory_disk> contents_;
    local_streams streams_;

public:
    task_group tasks;  // last member: the tasks use everything above
};

}  // namespace rik::testing
