// What the controller of StatefulSets decides.
#include <rik/controllers/controller.hpp>

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

using ordinals = std::vector<std::uint32_t>;

managed_workload stateful(std::uint32_t replicas, pod_management management = pod_management::ordered_ready) {
    managed_workload made(workload_kind::stateful_set, replicas);
    made.upkeep().stateful->management = management;
    return made;
}

ordinals created(workload_plan const& plan) {
    ordinals found;
    for (auto const& each : plan.creations) found.push_back(each.index.value());
    return found;
}

ordinals removed(managed_workload& in, workload_plan const& plan) {
    ordinals found;
    for (auto const& each : plan.removals) found.push_back(in.find(each.instance)->index.value());
    return found;
}

seen_instance& at(managed_workload& in, std::uint32_t ordinal) {
    for (auto& each : in.instances())
        if (each.index == ordinal) return each;
    throw std::runtime_error("there is none");
}

void let_down(seen_instance& which) {
    which.is_ready = false;
    which.ready_since = std::nullopt;
}

void end(managed_workload& in, seen_instance& which) {
    let_down(which);
    which.state = instance_state::failed;
    which.has_ended = true;
    which.state_since = in.now();
}

/// What is made is ready at once. Returns how many plans that took; -1: it does not come to rest.
int rounds_until_rest(managed_workload& of) {
    for (int rounds = 0; rounds < 1000; ++rounds) {
        auto const plan = of.plan();
        if (plan.changes_nothing()) return rounds;
        of.carry_out(plan);
    }
    return -1;
}

managed_workload settled(std::uint32_t replicas, pod_management management = pod_management::ordered_ready) {
    auto made = stateful(replicas, management);
    REQUIRE(rounds_until_rest(made) >= 0);
    return made;
}

std::map<std::uint32_t, release_id> releases(managed_workload& in) {
    std::map<std::uint32_t, release_id> found;
    for (auto const& each : in.instances()) found[each.index.value()] = each.made_from;
    return found;
}

}  // namespace

// Coming and going

TEST_CASE("a StatefulSet makes its instances one after the other", "[controllers]") {
    auto set = stateful(3);
    auto plan = set.plan();
    CHECK(created(plan) == ordinals{0});
    CHECK(plan.creations.front().release == set.current());
    set.create(plan.creations.front());
    CHECK(set.plan().changes_nothing());  // it is not ready

    auto& first = at(set, 0);
    first.state = instance_state::running;
    first.is_ready = true;
    first.ready_since = set.now();
    plan = set.plan();
    CHECK(created(plan) == ordinals{1});
    set.carry_out(plan);
    set.carry_out(set.plan());
    CHECK(set.instances().size() == 3);
    plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.progress.is_complete);
    CHECK(plan.progress.stable == set.current());
}

TEST_CASE("a StatefulSet waits until the last one is available", "[controllers]") {
    auto set = stateful(2);
    set.upkeep().min_ready = 10s;
    set.carry_out(set.plan());
    auto const plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.look_again == set.now() + 10s);
    set.pass(10s);
    CHECK(created(set.plan()) == ordinals{1});
}

TEST_CASE("a parallel StatefulSet makes and removes all at once", "[controllers]") {
    auto set = stateful(3, pod_management::parallel);
    auto const plan = set.plan();
    CHECK(created(plan) == ordinals{0, 1, 2});
    set.carry_out(plan);
    let_down(at(set, 0));
    set.set_replicas(1);
    CHECK(removed(set, set.plan()) == ordinals{2, 1});
}

TEST_CASE("a StatefulSet counts its ordinals from where it is told", "[controllers]") {
    auto set = stateful(2);
    set.upkeep().stateful->first_ordinal = 5;
    REQUIRE(rounds_until_rest(set) == 2);
    CHECK(releases(set) == std::map<std::uint32_t, release_id>{{5, set.current()}, {6, set.current()}});

    set.upkeep().stateful->first_ordinal = 6;
    CHECK(created(set.plan()) == ordinals{7});
    CHECK(rounds_until_rest(set) == 2);
    CHECK(releases(set).begin()->first == 6);
}

TEST_CASE("the highest ordinal of a StatefulSet goes first, and the next when it is gone", "[controllers]") {
    auto set = settled(4);
    set.set_replicas(1);
    auto const plan = set.plan();
    CHECK(removed(set, plan) == ordinals{3});
    set.remove(plan.removals.front());
    CHECK(set.plan().changes_nothing());
    CHECK_FALSE(set.plan().progress.is_complete);
    std::erase_if(set.instances(), [](auto const& each) { return each.is_leaving; });
    CHECK(removed(set, set.plan()) == ordinals{2});
}

TEST_CASE("nothing of a StatefulSet goes while one that stays is not available", "[controllers]") {
    auto set = settled(3);
    set.set_replicas(2);
    let_down(at(set, 0));
    CHECK(set.plan().changes_nothing());
    at(set, 0).is_ready = true;
    at(set, 0).ready_since = set.now();
    let_down(at(set, 2));
    CHECK(removed(set, set.plan()) == ordinals{2});
}

TEST_CASE("a paused StatefulSet takes its instances away in order, and brings them back", "[controllers]") {
    auto set = settled(2);
    set.row().paused_since = set.now();
    CHECK(removed(set, set.plan()) == ordinals{1});
    CHECK(rounds_until_rest(set) == 2);
    CHECK(set.instances().empty());
    set.row().paused_since = std::nullopt;
    CHECK(rounds_until_rest(set) == 2);
    CHECK(set.instances().size() == 2);
}

// At most one of each

TEST_CASE("no ordinal is made again before the last one is gone", "[controllers]") {
    for (auto const management : {pod_management::ordered_ready, pod_management::parallel}) {
        auto set = settled(3, management);
        at(set, 1).is_leaving = true;
        CHECK(set.plan().changes_nothing());
        std::erase_if(set.instances(), [](auto const& each) { return each.is_leaving; });
        CHECK(created(set.plan()) == ordinals{1});
    }
}

TEST_CASE("an instance of a StatefulSet on a node that is not heard is not replaced", "[controllers]") {
    auto set = settled(3, pod_management::parallel);
    auto& lost = at(set, 1);
    let_down(lost);
    lost.is_unheard = true;
    set.pass(24h);
    CHECK(set.plan().changes_nothing());
    set.add_release();
    // It would not go before its node is heard; and it is as many as may be unavailable.
    CHECK(set.plan().changes_nothing());
}

TEST_CASE("an instance of a StatefulSet that has ended makes way for another one, after a pause", "[controllers]") {
    auto set = settled(2);
    end(set, at(set, 1));
    auto plan = set.plan();
    CHECK(plan.changes_nothing());
    REQUIRE(plan.look_again == set.now() + 10s);
    set.pass(10s);
    plan = set.plan();
    CHECK(removed(set, plan) == ordinals{1});
    CHECK(created(plan).empty());
    set.carry_out(plan);
    CHECK(created(set.plan()) == ordinals{1});

    auto old = settled(1);
    old.pass(1h);
    end(old, at(old, 0));
    CHECK(removed(old, old.plan()) == ordinals{0});
}

TEST_CASE("a StatefulSet adopts what has ended, too, and then replaces it", "[controllers]") {
    auto set = settled(2);
    auto& left = at(set, 1);
    end(set, left);
    left.is_own = false;
    left.has_identity = true;
    left.name = "web-1";
    auto const plan = set.plan();
    REQUIRE(plan.adopted.size() == 1);
    CHECK(plan.creations.empty());
    set.adopt(plan);
    set.pass(10s);
    CHECK(removed(set, set.plan()) == ordinals{1});
}

TEST_CASE("a StatefulSet adopts what has the name of one of its own, and nothing else", "[controllers]") {
    std::list<std::string> const names{"web-1", "web-7", "web-01", "web-x", "other-0", "web", "web-"};
    auto set = stateful(3, pod_management::parallel);
    for (auto const& name : names) {
        auto& each = set.add(set.current());
        each.is_own = false;
        each.has_identity = true;
        each.name = name;
    }
    auto& bare = set.add(set.current());
    bare.is_own = false;
    bare.name = "web-0";
    auto const plan = set.plan();
    REQUIRE(plan.adopted.size() == 2);
    CHECK(plan.adopted[0] == to_adopt{set.instances()[0].id, 1});
    CHECK(plan.adopted[1] == to_adopt{set.instances()[1].id, 7});
    CHECK(created(plan) == ordinals{0, 2});  // the primary finds that a name is taken
    CHECK(plan.removals.empty());
    set.adopt(plan);
    CHECK(removed(set, set.plan()) == ordinals{7});
}

// Coming to a new release

TEST_CASE("a StatefulSet comes to a new release from the highest ordinal down", "[controllers]") {
    auto set = settled(3);
    auto const old = set.current();
    auto const fresh = set.add_release();
    auto plan = set.plan();
    CHECK(removed(set, plan) == ordinals{2});
    CHECK(plan.progress.stable == old);
    set.carry_out(plan);
    plan = set.plan();
    CHECK(created(plan) == ordinals{2});
    CHECK(plan.creations.front().release == fresh);
    auto& made = set.create(plan.creations.front());
    CHECK(set.plan().changes_nothing());
    made.is_ready = true;
    made.ready_since = set.now();
    CHECK(removed(set, set.plan()) == ordinals{1});
    CHECK(rounds_until_rest(set) == 4);
    CHECK(set.plan().progress.is_complete);
    CHECK(set.plan().progress.stable == fresh);
}

TEST_CASE("more instances of a StatefulSet may be unavailable, if it says so", "[controllers]") {
    auto set = settled(5);
    set.upkeep().max_unavailable = {30, true};  // rounded up: 2
    set.add_release();
    CHECK(removed(set, set.plan()) == ordinals{4, 3});
    let_down(at(set, 0));
    CHECK(removed(set, set.plan()) == ordinals{0, 4});
}

TEST_CASE("below the partition a StatefulSet keeps, and makes again, what was there", "[controllers]") {
    auto set = settled(4);
    auto const old = set.current();
    set.upkeep().stateful->partition = 2;
    auto const fresh = set.add_release();
    REQUIRE(rounds_until_rest(set) >= 0);
    std::map<std::uint32_t, release_id> const both{{0, old}, {1, old}, {2, fresh}, {3, fresh}};
    CHECK(releases(set) == both);
    auto const plan = set.plan();
    CHECK(plan.progress.is_complete);
    CHECK(plan.progress.updated == 2);
    CHECK(plan.progress.stable == old);
    CHECK(plan.forgotten.empty());

    std::erase_if(set.instances(), [](auto const& each) { return each.index == 1u || each.index == 2u; });
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(releases(set) == both);

    set.upkeep().stateful->partition = 0;
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(set.plan().progress.stable == fresh);
    CHECK(releases(set).at(0) == fresh);
}

TEST_CASE("the release that a partition keeps is not forgotten, even if nothing is made from it", "[controllers]") {
    auto set = settled(2);
    auto const old = set.current();
    set.upkeep().history_max = 0;
    set.upkeep().stateful->partition = 1;
    set.add_release();
    REQUIRE(rounds_until_rest(set) >= 0);
    std::erase_if(set.instances(), [](auto const& each) { return each.index == 0u; });
    auto const plan = set.plan();
    CHECK(plan.forgotten.empty());
    CHECK(plan.creations.at(0) == to_create{.release = old, .index = 0});
}

TEST_CASE("a pause, and a scale to nothing, end no canary", "[controllers]") {
    auto set = settled(3);
    auto const old = set.current();
    set.upkeep().stateful->partition = 2;
    auto const fresh = set.add_release();
    REQUIRE(rounds_until_rest(set) >= 0);
    set.row().paused_since = set.now();
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(set.instances().empty());
    set.row().paused_since = std::nullopt;
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(releases(set) == std::map<std::uint32_t, release_id>{{0, old}, {1, old}, {2, fresh}});
}

TEST_CASE("OnDelete: a StatefulSet replaces nothing, and makes what was deleted from the new release",
          "[controllers]") {
    auto set = settled(3);
    set.upkeep().policy = update_policy::on_delete;
    auto const fresh = set.add_release();
    auto const plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.progress.is_complete);
    CHECK(plan.progress.updated == 0);
    std::erase_if(set.instances(), [](auto const& each) { return each.index == 1u; });
    CHECK(set.plan().creations.at(0) == to_create{.release = fresh, .index = 1});
}

TEST_CASE("a release that never becomes ready does not hold up the one that repairs it", "[controllers]") {
    auto set = settled(3);
    auto const good = set.current();
    set.add_release();
    set.carry_out(set.plan());
    auto& broken = set.create(set.plan().creations.at(0));
    CHECK(set.plan().changes_nothing());

    SECTION("another release") {
        auto const repaired = set.add_release();
        CHECK(removed(set, set.plan()) == ordinals{2});
        REQUIRE(rounds_until_rest(set) >= 0);
        CHECK(releases(set) == std::map<std::uint32_t, release_id>{{0, repaired}, {1, repaired}, {2, repaired}});
    }
    SECTION("back to the one before") {
        set.set_current(good);
        auto const plan = set.plan();
        CHECK(removed(set, plan) == ordinals{2});
        CHECK(plan.removals.front().instance == broken.id);
        REQUIRE(rounds_until_rest(set) >= 0);
        CHECK(releases(set) == std::map<std::uint32_t, release_id>{{0, good}, {1, good}, {2, good}});
    }
}

TEST_CASE("the first release of a StatefulSet may be broken, too", "[controllers]") {
    auto set = stateful(3);
    set.create(set.plan().creations.at(0));
    auto const repaired = set.add_release();
    CHECK(removed(set, set.plan()) == ordinals{0});
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(releases(set).at(0) == repaired);
}

TEST_CASE("that all are unready for a moment does not replace all at once", "[controllers]") {
    auto set = settled(3);
    set.add_release();
    for (std::uint32_t i = 0; i < 3; ++i) let_down(at(set, i));
    CHECK(removed(set, set.plan()) == ordinals{2});
}

TEST_CASE("what is too much of a StatefulSet goes before what is available is replaced", "[controllers]") {
    auto set = settled(4);
    set.set_replicas(1);
    set.add_release();
    CHECK(removed(set, set.plan()) == ordinals{3});
    REQUIRE(rounds_until_rest(set) >= 0);
    CHECK(releases(set) == std::map<std::uint32_t, release_id>{{0, set.current()}});
}

TEST_CASE("what is too much gives its room to one that waits for it", "[controllers]") {
    auto set = settled(3);
    set.set_replicas(2);
    auto& waiting = at(set, 0);
    let_down(waiting);
    waiting.state = instance_state::pending;
    waiting.node = std::nullopt;
    auto const plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.look_again == set.now() + 30s);
    set.pass(30s);
    CHECK(removed(set, set.plan()) == ordinals{2});
}

TEST_CASE("a StatefulSet restarts in place what it has while it rolls nothing out", "[controllers]") {
    auto set = settled(3);
    set.pass(1min);
    set.row().restart = restart_wish{.at = set.now()};
    auto plan = set.plan();
    REQUIRE(plan.restarts.size() == 1);
    auto& one = *set.find(plan.restarts.front());
    one.is_restarting = true;
    set.add_release();
    plan = set.plan();
    CHECK(plan.restarts.empty());
    CHECK(plan.removals.size() == 1);
    CHECK(plan.removals.front().instance == one.id);  // it is of no use as it is
}

TEST_CASE("a StatefulSet of very many is planned in no time while there are few", "[controllers]") {
    auto set = settled(3);
    set.set_replicas(1'000'000'000);
    let_down(at(set, 1));
    CHECK(set.plan().changes_nothing());
    CHECK(set.plan().progress.unavailable == 999'999'998);
}

TEST_CASE("a StatefulSet grows before it goes on with its rollout", "[controllers]") {
    auto set = settled(2);
    auto const fresh = set.add_release();
    set.set_replicas(3);
    auto const plan = set.plan();
    CHECK(plan.creations.at(0) == to_create{.release = fresh, .index = 2});
    CHECK(plan.removals.empty());
}
