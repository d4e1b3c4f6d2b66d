// A user's own test: a policy that keeps web Pods off the first node, tried on a cluster in virtual time.
#include <rik/sim/cluster.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

namespace {

/// The user's filter, which is to be tested.
rik::refusal is_reserved(rik::candidate const& node, rik::release const& asked) {
    auto const tier = asked.spec().labels.find("tier");
    if (node.name != "node-0" || tier == asked.spec().labels.end() || tier->second != "web") return std::nullopt;
    return "node is reserved for databases";
}

void require(bool holds, char const* what) {
    if (!holds) throw std::runtime_error(what);
}

rik::awaitable<> scenario(rik::sim::cluster& cluster, rik::sim::world& world) {
    co_await cluster.start();
    co_await cluster.create(R"({"apiVersion": "v1", "kind": "Pod", "name": "web", "labels": {"tier": "web"},
                                "spec": {"restartPolicy": "Always", "containers": [{"name": "web", "image": "web:1"}]}})",
                            20);
    co_await cluster.until(rik::sim::all_running(20));
    require(cluster.node(0).running().empty(), "a web Pod is on the reserved node");

    // A day later a machine loses its power, and comes back.
    co_await world.time().sleep_for(24h);
    co_await cluster.power_off(1);
    co_await cluster.start_node(1);
    co_await world.time().sleep_for(1min);
    co_await cluster.until(rik::sim::all_running(20));
    require(cluster.node(0).running().empty(), "a web Pod is on the reserved node after the power loss");
    require(cluster.violations().empty(), "a rule of the cluster is broken");
    co_await cluster.stop();
}

}  // namespace

int main() {
    auto policy = rik::default_policy();
    policy.filters.push_back(is_reserved);
    rik::sim::world world(2026);
    rik::sim::cluster cluster(world, {.nodes = 3, .policy = policy});
    world.run(scenario(cluster, world));
    std::puts("20 web Pods, 3 nodes, a day and a power loss: as expected");
}
