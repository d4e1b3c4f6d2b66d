// A scenario on the real roles in virtual time: it starts with a cluster that runs, and ends with one that has broken
// no rule.
#pragma once

#include <rik/sim/cluster.hpp>

#include <support/catch.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

using rows = std::vector<stored<instance>>;
using condition = std::function<bool(rows const&)>;
using scenario = awaitable<> (*)(sim::cluster&, sim::world&);

inline awaitable<> within(sim::cluster& cluster, sim::world& world, scenario what) {
    co_await cluster.start();
    co_await what(cluster, world);
    CHECK(cluster.violations() == "");
    co_await cluster.stop();
}

inline void simulate(scenario what, std::size_t nodes = 1) {
    sim::world world(42);
    sim::cluster_options options;
    options.nodes = nodes;
    sim::cluster cluster(world, options);
    world.run(within(cluster, world, what));
}

inline awaitable<workload_change> apply(sim::cluster& cluster, std::string definition) {
    auto parsed = parse_definition(definition);
    for (auto const& each : parsed.found) FAIL(to_string(each));
    auto applying = cluster.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto made = co_await std::move(applying);
    if (!made) FAIL(to_string(made.error()));
    co_return std::move(*made);
}

inline awaitable<rows> instances(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().instances().list(caller(), instance_filter(), page());
    REQUIRE(listed.has_value());
    co_return listed->rows;
}

}  // namespace rik::testing
