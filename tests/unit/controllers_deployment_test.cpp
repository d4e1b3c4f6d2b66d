// What the controller of Deployments decides.
#include <rik/controllers/controller.hpp>

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <set>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

managed_workload deployment(std::uint32_t replicas, std::int32_t surge = 1, std::int32_t unavailable = 0) {
    managed_workload made(workload_kind::deployment, replicas);
    made.upkeep().max_surge = {surge};
    made.upkeep().max_unavailable = {unavailable};
    return made;
}

/// A Deployment that is done.
managed_workload settled(std::uint32_t replicas, std::int32_t surge = 1, std::int32_t unavailable = 0) {
    auto made = deployment(replicas, surge, unavailable);
    made.carry_out(made.plan());
    made.plan();
    return made;
}

std::int64_t count_of(managed_workload& in, release_id const& which) {
    return std::ranges::count_if(in.instances(), [&](auto const& each) { return each.made_from == which; });
}

workload_condition const& progressing(workload_plan const& plan) {
    auto const* found = plan.progress.find(workload_condition_type::progressing);
    REQUIRE(found != nullptr);
    return *found;
}

workload_condition const& available(workload_plan const& plan) {
    auto const* found = plan.progress.find(workload_condition_type::available);
    REQUIRE(found != nullptr);
    return *found;
}

int rounds_until_rest(managed_workload& of) {
    for (int rounds = 0; rounds < 1000; ++rounds) {
        auto const plan = of.plan();
        if (plan.changes_nothing()) return rounds;
        of.carry_out(plan);
    }
    return -1;
}

}  // namespace

TEST_CASE("a new Deployment makes all its instances at once", "[controllers]") {
    auto web = deployment(3);
    auto const plan = web.plan();
    REQUIRE(plan.creations.size() == 3);
    CHECK(plan.creations[2].index == 2);
    REQUIRE(plan.sizes.size() == 1);
    CHECK(plan.sizes[0].size == release_size{3, 3, 4});
    CHECK(plan.sizes[0].why == "Scaled up release 1 from 0 to 3.");
    CHECK(progressing(plan).reason == "NewReplicaSetCreated");
    CHECK(progressing(plan).message == "Created new replica set \"web-1\"");
    CHECK(available(plan).reason == "MinimumReplicasUnavailable");
    web.carry_out(plan);
    auto const done = web.plan();
    CHECK(done.changes_nothing());
    CHECK(done.progress.is_complete);
    CHECK(progressing(done).reason == "NewReplicaSetAvailable");
    CHECK(progressing(done).status == condition_status::yes);
    CHECK(available(done).status == condition_status::yes);
    CHECK_FALSE(done.look_again);
}

TEST_CASE("a rolling update goes step by step", "[controllers]") {
    auto web = settled(3);
    auto const old = web.current();
    auto const next = web.add_release();
    auto plan = web.plan();
    CHECK(plan.removals.empty());
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0] == to_create{next, 3});
    web.keep_sizes(plan);
    auto& first = web.create(plan.creations[0]);
    CHECK(web.plan().changes_nothing());  // it waits for the new one
    first.state = instance_state::running;
    first.node = web.id<node_tag>();
    first.is_ready = true;
    first.ready_since = web.now();
    plan = web.plan();
    CHECK(plan.removals.size() == 1);
    CHECK(plan.removals[0].why == "Release 2 replaces release 1, of which 2 instances stay for now.");
    CHECK(plan.creations.empty());  // there is no room before the old one is told to go
    CHECK(rounds_until_rest(web) > 0);
    CHECK(count_of(web, old) == 0);
    CHECK(count_of(web, next) == 3);
}

TEST_CASE("an old instance that is not available goes first, whatever else the order says", "[controllers]") {
    auto web = settled(3, 0, 1);
    web.instances()[0].is_ready = false;
    web.instances()[1].deletion_cost = -1000;
    web.add_release();
    auto const plan = web.plan();
    REQUIRE(plan.removals.size() == 1);
    CHECK(plan.removals[0].instance == web.instances()[0].id);
}

TEST_CASE("an instance of an old release that vanishes in a rollout is not made again if it may be missing",
          "[controllers]") {
    auto web = settled(10, 0, 2);
    auto const old = web.current();
    web.add_release();
    web.instances().pop_back();
    auto const plan = web.plan();
    for (auto const& each : plan.creations) CHECK(each.release != old);
    CHECK(plan.removals.size() == 1);
}

TEST_CASE("Recreate makes nothing before all that is old has gone", "[controllers]") {
    auto web = settled(2);
    web.upkeep().policy = update_policy::recreate;
    auto const next = web.add_release();
    auto plan = web.plan();
    CHECK(plan.removals.size() == 2);
    CHECK(plan.creations.empty());
    for (auto const& each : plan.sizes) CHECK(each.size.count == 0);  // it is told to grow when it does
    web.keep_sizes(plan);
    for (auto const& each : plan.removals) web.remove(each);
    CHECK(web.plan().creations.empty());
    web.instances().pop_front();
    CHECK(web.plan().creations.empty());
    web.instances().clear();
    plan = web.plan();
    CHECK(plan.creations.size() == 2);
    CHECK(plan.creations[0].release == next);
}

TEST_CASE("what has failed does not hold up Recreate", "[controllers]") {
    auto web = settled(1);
    web.upkeep().policy = update_policy::recreate;
    web.instances()[0].state = instance_state::failed;
    web.add_release();
    CHECK(web.plan().creations.size() == 1);
}

TEST_CASE("a paused Deployment does not roll, but is kept and scaled", "[controllers]") {
    auto web = settled(2);
    auto const old = web.current();
    web.upkeep().is_paused = true;
    auto const next = web.add_release();
    auto plan = web.plan();
    CHECK(plan.changes_nothing());
    CHECK(progressing(plan).reason == "DeploymentPaused");
    CHECK(progressing(plan).status == condition_status::unknown);
    web.instances().pop_back();
    plan = web.plan();
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].release == old);
    web.carry_out(plan);
    web.set_replicas(4);
    CHECK(rounds_until_rest(web) == 1);
    CHECK(count_of(web, old) == 4);
    web.upkeep().is_paused = false;
    plan = web.plan();
    CHECK(progressing(plan).reason == "DeploymentResumed");
    CHECK(plan.creations.size() == 1);
    web.carry_out(plan);
    rounds_until_rest(web);
    CHECK(count_of(web, next) == 4);
}

TEST_CASE("a Deployment that is paused from the beginning makes nothing", "[controllers]") {
    auto web = deployment(2);
    web.upkeep().is_paused = true;
    CHECK(web.plan().changes_nothing());
    web.upkeep().is_paused = false;
    CHECK(web.plan().creations.size() == 2);
}

TEST_CASE("a rollout that is paused half way is scaled by shares", "[controllers]") {
    auto web = deployment(10, 0, 5);
    auto const old = web.current();
    auto const next = web.add_release();
    web.releases()[0].size = release_size{6, 10, 10};
    web.releases()[1].size = release_size{4, 10, 10};
    web.add_many(6, old);
    web.add_many(4, next);
    web.upkeep().is_paused = true;
    CHECK(web.plan().changes_nothing());
    web.set_replicas(20);
    CHECK(rounds_until_rest(web) == 1);
    CHECK(count_of(web, old) == 12);
    CHECK(count_of(web, next) == 8);
}

TEST_CASE("lowered in a rollout, no more is taken than may be unavailable", "[controllers]") {
    auto web = deployment(10, 0, 1);
    auto const old = web.current();
    auto const next = web.add_release();
    web.releases()[0].size = release_size{5, 10, 10};
    web.releases()[1].size = release_size{5, 10, 10};
    web.add_many(5, old);
    web.add_many(5, next, false);
    web.set_replicas(5);
    auto const plan = web.plan();
    auto const goes = [&](seen_instance const& each) {
        return std::ranges::any_of(plan.removals, [&](auto const& one) { return one.instance == each.id; });
    };
    auto const available_that_go =
        std::ranges::count_if(web.instances(), [&](seen_instance const& each) { return each.is_ready && goes(each); });
    CHECK(available_that_go == 1);
    CHECK(rounds_until_rest(web) >= 0);
}

TEST_CASE("a rollout back makes the old release the current one", "[controllers]") {
    auto web = settled(2);
    auto const first = web.current();
    web.add_release();
    web.carry_out(web.plan());
    web.set_current(first);
    web.releases()[0].number = 3;
    auto const plan = web.plan();
    CHECK(progressing(plan).reason == "FoundNewReplicaSet");
    CHECK(progressing(plan).message == "Found new replica set \"web-3\"");
    CHECK(rounds_until_rest(web) >= 0);
    CHECK(count_of(web, first) == 2);
    CHECK(web.instances().size() == 2);
}

TEST_CASE("a rollout that gets nowhere says so, and goes on", "[controllers]") {
    auto web = settled(2);
    web.upkeep().progress_deadline = 60s;
    auto const next = web.add_release();
    auto plan = web.plan();
    web.keep_sizes(plan);
    auto& first = web.create(plan.creations.at(0));
    plan = web.plan();
    CHECK(progressing(plan).reason == "ReplicaSetUpdated");
    CHECK(progressing(plan).message == "ReplicaSet \"web-2\" is progressing.");
    CHECK(plan.look_again == web.now() + 60s);
    web.pass(59s);
    CHECK(progressing(web.plan()).reason == "ReplicaSetUpdated");
    web.pass(1s);
    plan = web.plan();
    CHECK(progressing(plan).reason == "ProgressDeadlineExceeded");
    CHECK(progressing(plan).status == condition_status::no);
    CHECK(progressing(plan).message == "ReplicaSet \"web-2\" has timed out progressing.");
    CHECK_FALSE(plan.look_again);
    CHECK(available(plan).status == condition_status::yes);
    first.is_leaving = true;
    plan = web.plan();
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].release == next);
    CHECK(progressing(plan).reason == "ProgressDeadlineExceeded");
    web.carry_out(plan);
    CHECK(progressing(web.plan()).reason == "ReplicaSetUpdated");
}

TEST_CASE("the deadline counts from the last thing that went on", "[controllers]") {
    auto web = deployment(2);
    web.upkeep().progress_deadline = 60s;
    auto plan = web.plan();
    web.keep_sizes(plan);
    auto& one = web.create(plan.creations[0]);
    web.create(plan.creations[1]);
    web.plan();
    web.pass(40s);
    one.is_ready = true;
    one.ready_since = web.now();
    CHECK(progressing(web.plan()).reason == "ReplicaSetUpdated");
    web.pass(40s);
    CHECK(progressing(web.plan()).reason == "ReplicaSetUpdated");
    web.pass(20s);
    CHECK(progressing(web.plan()).reason == "ProgressDeadlineExceeded");
}

TEST_CASE("a pause stops the clock of a rollout", "[controllers]") {
    auto web = settled(1);
    web.upkeep().progress_deadline = 60s;
    web.add_release();
    web.keep_sizes(web.plan());
    web.pass(30s);
    web.upkeep().is_paused = true;
    web.plan();
    web.pass(1h);
    web.plan();
    web.upkeep().is_paused = false;
    CHECK(progressing(web.plan()).reason == "DeploymentResumed");
    web.pass(59s);
    CHECK(progressing(web.plan()).reason == "DeploymentResumed");
    web.pass(1s);
    CHECK(progressing(web.plan()).reason == "ProgressDeadlineExceeded");
}

TEST_CASE("without a deadline nothing is said of progress", "[controllers]") {
    auto web = deployment(1);
    web.upkeep().progress_deadline = std::chrono::seconds(2'147'483'647);
    CHECK(web.plan().progress.find(workload_condition_type::progressing) == nullptr);
}

TEST_CASE("what was done stays said when instances come and go", "[controllers]") {
    auto web = settled(2);
    auto const since = progressing(web.plan()).since;
    web.pass(1h);
    web.instances()[0].is_ready = false;
    auto const plan = web.plan();
    CHECK(progressing(plan).reason == "NewReplicaSetAvailable");
    CHECK(progressing(plan).since == since);
    CHECK(available(plan).reason == "MinimumReplicasUnavailable");
    CHECK(available(plan).since == web.now());
}

TEST_CASE("old releases are kept as the history says, once a rollout is done", "[controllers]") {
    auto web = settled(1);
    web.upkeep().history_max = 1;
    auto const first = web.current();
    web.add_release();
    rounds_until_rest(web);
    web.add_release();
    CHECK(web.plan().forgotten.empty());
    rounds_until_rest(web);
    CHECK(std::ranges::none_of(web.releases(), [&](auto const& each) { return each.id == first; }));
    CHECK(web.releases().size() == 2);
}

TEST_CASE("a release that a failed instance was made from is not forgotten", "[controllers]") {
    auto web = settled(1);
    web.upkeep().history_max = 0;
    auto const first = web.current();
    web.add(first, false).state = instance_state::failed;
    web.add_release();
    rounds_until_rest(web);
    CHECK(std::ranges::any_of(web.releases(), [&](auto const& each) { return each.id == first; }));
}

TEST_CASE("a release whose instances fail is made again after growing pauses, and a new one at once", "[controllers]") {
    auto web = settled(2);
    auto const fail_all = [&] {
        for (auto& each : web.instances()) {
            if (each.state != instance_state::running) continue;
            each.state = instance_state::failed;
            each.is_ready = false;
            each.state_since = web.now();
        }
    };
    fail_all();
    auto plan = web.plan();
    CHECK(plan.creations.empty());
    CHECK(plan.look_again == web.now() + 1s);
    web.pass(1s);
    plan = web.plan();
    CHECK(plan.creations.size() == 2);
    web.carry_out(plan);
    fail_all();
    plan = web.plan();
    CHECK(plan.creations.empty());
    CHECK(plan.look_again == web.now() + 4s);
    auto const next = web.add_release();
    plan = web.plan();
    REQUIRE(plan.creations.size() == 1);  // within the surge
    CHECK(plan.creations[0].release == next);
}

TEST_CASE("what was made before sizes were kept counts as wanted", "[controllers]") {
    auto web = deployment(3);
    auto const old = web.current();
    web.add_many(3, old);
    web.add_release();
    auto const plan = web.plan();
    CHECK(plan.removals.empty());
    CHECK(plan.creations.size() == 1);
}

TEST_CASE("to 0 everything goes, of all releases", "[controllers]") {
    auto web = settled(3);
    web.add_release();
    web.carry_out(web.plan());
    web.set_replicas(0);
    rounds_until_rest(web);
    CHECK(web.instances().empty());
    CHECK(web.plan().progress.is_complete);
}
