// The ports that a primary chooses for Functions: each once, whatever happens.
#include <support/lone_primary.hpp>

#include <rik/base/limits.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace rik;
using namespace rik::testing;

namespace {

constexpr std::size_t all_count = limits::chosen_port_last - limits::chosen_port_first + 1;

void simulate(awaitable<> (*what)(lone_primary&)) {
    sim::world world(42);
    lone_primary alone(world);
    world.run(what(alone));
}

std::string function_text(std::string const& name, std::string const& exposure = "{}") {
    return R"({"apiVersion":"v1","kind":"Function","name":")" + name +
           R"(","spec":{"function":{"execution":{"rootfs":"/srv/a"},"exposure":)" + exposure + "}}}";
}

std::set<std::uint16_t> ports_of(std::vector<stored<instance>> const& rows) {
    std::set<std::uint16_t> ports;
    for (auto const& row : rows) ports.insert(row->exposed_port());
    return ports;
}

awaitable<error> create_refused(lone_primary& alone, workload_id of, std::uint32_t count) {
    create_instances_request what{.workload = of, .replicas = count};
    auto const made = co_await alone.role->instances().create(caller(), std::move(what));
    REQUIRE_FALSE(made.has_value());
    co_return made.error();
}

awaitable<> remove_one(lone_primary& alone, instance_id which) {
    object_ref one(which);
    auto const removed = co_await alone.role->instances().remove(caller(), std::move(one), any_revision);
    REQUIRE(removed.has_value());
}

awaitable<> are_different_and_kept(lone_primary& alone) {
    co_await alone.start();
    auto const id = co_await alone.create_from(function_text("fn"));
    auto const made = co_await alone.create_instances(id, 250);
    auto const ports = ports_of(made);
    CHECK(ports.size() == 250);
    CHECK(*ports.begin() >= limits::chosen_port_first);
    CHECK(*ports.rbegin() <= limits::chosen_port_last);
    co_await alone.crash();
    co_await alone.start();
    auto const kept = co_await alone.instances();
    CHECK(ports_of(kept) == ports);
    auto const more = co_await alone.create_instances(id, 250);
    auto const later = ports_of(more);
    CHECK(later.size() == 250);
    CHECK(std::ranges::none_of(later, [&](std::uint16_t port) { return ports.contains(port); }));
    co_await alone.stop();
}

awaitable<> run_out_and_come_back(lone_primary& alone) {
    co_await alone.start();
    auto const named = co_await alone.create_from(function_text("named", R"({"port":45000})"));
    auto const id = co_await alone.create_from(function_text("fn"));
    auto const made = co_await alone.create_instances(id, all_count - 1);
    CHECK(ports_of(made).size() == all_count - 1);
    CHECK_FALSE(ports_of(made).contains(45'000));

    auto const why = co_await create_refused(alone, id, 1);
    CHECK(why.code == errc::exhausted);
    CHECK(why.message.find("all 5000 ports from 45000 to 49999 are taken") == 0);
    CHECK_FALSE(why.remedy.empty());
    auto const fixed = co_await alone.create_instances(named, 1);  // it needs none of them
    CHECK(fixed[0]->exposed_port() == 0);

    auto const freed = made[1234]->exposed_port();
    co_await remove_one(alone, made[1234]->id());
    auto const again = co_await alone.create_instances(id, 1);
    CHECK(again[0]->exposed_port() == freed);
    co_await alone.stop();
}

/// All of a request or none: what was made of it gives its ports back.
awaitable<> too_many_at_once(lone_primary& alone) {
    co_await alone.start();
    auto const id = co_await alone.create_from(function_text("fn"));
    auto const why = co_await create_refused(alone, id, all_count + 1);
    CHECK(why.code == errc::exhausted);
    auto const left = co_await alone.instances();
    CHECK(left.empty());
    auto const made = co_await alone.create_instances(id, 100);
    CHECK(made.size() == 100);
    co_await alone.stop();
}

awaitable<> propose(lone_primary& alone, instance_id which, node_id to) {
    reports news;
    news.proposals.push_back({which, to});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
}

item last_item(lone_primary const& alone, instance_id const& which) {
    item last;
    for (auto const& each : alone.items)
        if (each.instance == which) last = each;
    return last;
}

/// A definition names the port of an instance that waits, and is faster.
awaitable<> named_by_a_later_definition(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const id = co_await alone.create_from(function_text("fn"));
    auto const waiting = co_await alone.create_instances(id, 2);
    auto const port = waiting[0]->exposed_port();
    auto const named = co_await alone.create_from(function_text("named", R"({"port":)" + std::to_string(port) + "}"));
    auto const first = co_await alone.create_instances(named, 1);
    co_await propose(alone, first[0]->id(), node);
    co_await propose(alone, waiting[0]->id(), node);
    co_await propose(alone, waiting[1]->id(), node);
    object_ref which(waiting[0]->id());
    auto const bound = co_await alone.role->instances().get(caller(), std::move(which));
    REQUIRE(bound.has_value());
    CHECK((*bound)->is_bound());
    CHECK((*bound)->exposed_port() != port);
    CHECK((*bound)->exposed_port() != waiting[1]->exposed_port());
    CHECK(last_item(alone, waiting[0]->id()).exposed_port == (*bound)->exposed_port());
    CHECK(last_item(alone, waiting[1]->id()).exposed_port == waiting[1]->exposed_port());  // it stays what it was

    auto const late = co_await alone.create_from(
        function_text("late", R"({"port":)" + std::to_string(waiting[1]->exposed_port()) + "}"));
    auto const refused = co_await alone.create_instances(late, 1);
    co_await propose(alone, refused[0]->id(), node);
    object_ref other(refused[0]->id());
    auto const still = co_await alone.role->instances().get(caller(), std::move(other));
    CHECK((*still)->is_pending());
    co_await alone.stop();
}

awaitable<std::size_t> times_told(lone_primary& alone, std::string reason) {
    auto const listed = co_await alone.role->events().list(caller(), event_filter());
    REQUIRE(listed.has_value());
    std::size_t count = 0;
    for (auto const& row : listed->rows) count += parse_event(*row)->reason == reason ? 1 : 0;
    co_return count;
}

awaitable<> managed_ones_wait_for_ports(lone_primary& alone) {
    co_await alone.start();
    auto const id = co_await alone.create_from(function_text("fn"));
    auto const made = co_await alone.create_instances(id, all_count - 1);
    auto const kept = co_await alone.create_from(
        R"({"apiVersion":"v1","kind":"ReplicaSet","name":"kept","replicas":3,"template":{"spec":{"function":{
            "execution":{"rootfs":"/srv/a"}}}}})");
    co_await alone.world.time().sleep_for(1min);
    auto rows = co_await alone.instances();
    CHECK(rows.size() == all_count);
    auto const told = co_await times_told(alone, "InstancesNotCreated");
    CHECK(told == 1);
    co_await remove_one(alone, made[0]->id());
    co_await remove_one(alone, made[1]->id());
    co_await alone.world.time().sleep_for(1min);
    rows = co_await alone.instances();
    CHECK(std::ranges::count_if(rows, [&](auto const& row) { return row->owner() == kept; }) == 3);
    CHECK(ports_of(rows).size() == rows.size());
    co_await alone.stop();
}

}  // namespace

TEST_CASE("no two Functions get one port, and none loses its port with the primary", "[sim][primary]") {
    simulate(are_different_and_kept);
}
TEST_CASE("when all ports are taken that is said, until one is given back", "[sim][primary]") {
    simulate(run_out_and_come_back);
}
TEST_CASE("a request for more Functions than there are ports makes none", "[sim][primary]") {
    simulate(too_many_at_once);
}
TEST_CASE("a port that a later definition has taken on the node is replaced with the binding", "[sim][primary]") {
    simulate(named_by_a_later_definition);
}
TEST_CASE("Functions that are kept at a count wait for ports, and say so once", "[sim][primary]") {
    simulate(managed_ones_wait_for_ports);
}
