// In which boot of its node an instance with an identity may begin: what a primary says of it, and when.
#include <support/lone_primary.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace rik;
using namespace rik::testing;

namespace {

constexpr char const* db =
    R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"replicas":1,
    "selector":{"matchLabels":{"app":"db"}},"template":{"metadata":{"labels":{"app":"db"}},
    "spec":{"containers":[{"name":"main","image":"db:1"}]}}}})";

/// The node says Hello, in that boot of its machine.
awaitable<> say_hello(lone_primary& alone, node_id node, std::string boot, std::string version = "1") {
    node_report said{.node = node};
    said.facts = node_facts{.name = "node-0", .boot_id = std::move(boot), .version = std::move(version)};
    said.facts->capacity.set(resource::pods, 100);
    said.facts->runtimes = {"oci"};
    reports news;
    news.nodes.push_back(std::move(said));
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
}

awaitable<> bind(lone_primary& alone, instance_id which, node_id node) {
    reports news;
    news.proposals.push_back({which, node});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
}

/// "place run:boot-1 destroy": of each item of it that was told, what it is and the boot that it names.
std::string told_of(lone_primary const& alone, instance_id const& which) {
    constexpr std::array words{"place", "run", "destroy"};
    std::string told;
    for (auto const& each : alone.items) {
        if (each.instance != which) continue;
        told += (told.empty() ? "" : " ") + std::string(words.at(static_cast<std::size_t>(each.want)));
        if (!each.permitted_boot.empty()) told += ":" + each.permitted_boot;
    }
    return told;
}

struct bound_one {
    node_id node;
    instance_id which;
};

/// db-0, on a node in its first boot.
awaitable<bound_one> bind_one(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    co_await say_hello(alone, node, "boot-1");
    auto parsed = parse_definition(db);
    REQUIRE(parsed.found.empty());
    auto applying = alone.role->workloads().apply(caller(), std::move(parsed.definition), change_options());
    auto const made = co_await std::move(applying);
    REQUIRE(made.has_value());
    co_await alone.world.time().sleep_for(1s);
    auto const all = co_await alone.instances();
    REQUIRE(all.size() == 1);
    bound_one const one{node, all[0]->id()};
    co_await bind(alone, one.which, node);
    CHECK(told_of(alone, one.which) == "place run:boot-1");
    co_return one;
}

/// Each boot once, when it is known. What a node says of itself beside that permits nothing anew.
awaitable<> each_boot_once(lone_primary& alone) {
    auto const one = co_await bind_one(alone);
    co_await say_hello(alone, one.node, "boot-1");
    co_await say_hello(alone, one.node, "boot-1", "2");
    CHECK(told_of(alone, one.which) == "place run:boot-1");
    co_await say_hello(alone, one.node, "boot-2");
    CHECK(told_of(alone, one.which) == "place run:boot-1 run:boot-2");
    co_await say_hello(alone, one.node, "boot-3");
    CHECK(told_of(alone, one.which) == "place run:boot-1 run:boot-2 run:boot-3");
    co_await alone.stop();
}

/// The rows of nodes have their boots.
awaitable<> known_after_a_crash(lone_primary& alone) {
    auto const one = co_await bind_one(alone);
    co_await say_hello(alone, one.node, "boot-2");
    alone.items.clear();
    co_await alone.crash();
    co_await alone.start();
    co_await alone.world.time().sleep_for(30s);
    CHECK(told_of(alone, one.which) == "run:boot-2");
    co_await say_hello(alone, one.node, "boot-3");
    CHECK(told_of(alone, one.which) == "run:boot-2 run:boot-3");
    co_await alone.stop();
}

awaitable<> never_once_it_is_condemned(lone_primary& alone) {
    auto const one = co_await bind_one(alone);
    object_ref which(one.which);
    auto const removed = co_await alone.role->instances().remove(caller(), std::move(which), any_revision);
    REQUIRE(removed.has_value());
    co_await say_hello(alone, one.node, "boot-2");
    CHECK(told_of(alone, one.which) == "place run:boot-1 destroy");
    co_await alone.stop();
}

/// Not even by the hello with which it comes back.
awaitable<> never_once_it_is_given_up(lone_primary& alone) {
    auto const one = co_await bind_one(alone);
    reports silence;
    silence.nodes.push_back({.node = one.node, .heard = false});
    co_await alone.report(std::move(silence));
    co_await alone.world.time().sleep_for(1s);
    object_ref node(one.node);
    auto const dead = co_await alone.role->nodes().declare_dead(caller(), std::move(node), "node-0");
    REQUIRE(dead.has_value());
    co_await say_hello(alone, one.node, "boot-2");
    CHECK(told_of(alone, one.which) == "place run:boot-1");
    co_await alone.stop();
}

awaitable<> none_without_an_identity(lone_primary& alone) {
    auto const one = co_await bind_one(alone);
    auto const workload = co_await alone.create_workload("web");
    auto const pods = co_await alone.create_instances(workload, 1);
    co_await alone.world.time().sleep_for(1s);
    co_await bind(alone, pods[0]->id(), one.node);
    co_await say_hello(alone, one.node, "boot-2");
    CHECK(told_of(alone, pods[0]->id()) == "place run");
    co_await alone.stop();
}

void simulate(awaitable<> (*what)(lone_primary&)) {
    sim::world world(42);
    lone_primary alone(world);
    world.run(what(alone));
}

}  // namespace

TEST_CASE("an instance with an identity is permitted for each boot of its node that becomes known", "[sim][primary]") {
    simulate(each_boot_once);
}
TEST_CASE("a primary that was restarted knows the boots of its nodes", "[sim][primary]") {
    simulate(known_after_a_crash);
}
TEST_CASE("what was condemned or given up is not permitted to begin", "[sim][primary]") {
    simulate(never_once_it_is_condemned);
    simulate(never_once_it_is_given_up);
}
TEST_CASE("what has no identity gets no permit", "[sim][primary]") { simulate(none_without_an_identity); }
