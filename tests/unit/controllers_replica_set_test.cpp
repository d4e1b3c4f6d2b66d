// What the controller of ReplicaSets decides.
#include <rik/controllers/controller.hpp>

#include "support/catch.hpp"
#include "support/definitions.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

std::vector<instance_id> removed(workload_plan const& plan) {
    std::vector<instance_id> ids;
    for (auto const& each : plan.removals) ids.push_back(each.instance);
    return ids;
}

}  // namespace

TEST_CASE("a ReplicaSet makes what is missing, with the lowest free indexes", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 5);
    set.add(set.current()).index = 1;
    set.add(set.current()).index = 3;
    auto const plan = set.plan();
    REQUIRE(plan.creations.size() == 3);
    CHECK(plan.creations[0] == to_create{set.current(), 0});
    CHECK(plan.creations[1] == to_create{set.current(), 2});
    CHECK(plan.creations[2] == to_create{set.current(), 4});
    CHECK(plan.removals.empty());
    CHECK(plan.progress.wanted == 5);
    CHECK(plan.progress.have == 2);
    CHECK(plan.progress.unavailable == 3);
    CHECK_FALSE(plan.progress.is_complete);
}

TEST_CASE("an index beyond the count is kept, and not given twice", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 4);
    set.add(set.current()).index = 2;
    set.add(set.current()).index = 7;
    auto const plan = set.plan();
    REQUIRE(plan.creations.size() == 2);
    CHECK(plan.creations[0].index == 0);
    CHECK(plan.creations[1].index == 1);
}

TEST_CASE("what has ended or is leaving counts no longer", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 3);
    set.add(set.current()).index = 0;
    set.add(set.current(), false).state = instance_state::failed;
    set.add(set.current()).is_leaving = true;
    set.add(set.current(), false).state = instance_state::destroying;
    auto const plan = set.plan();
    CHECK(plan.creations.size() == 2);
    CHECK(plan.progress.leaving == 2);
}

TEST_CASE("fewer failures than there are instances hold up nothing, and old ones neither", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 3);
    for (int i = 0; i < 2; ++i) set.add(set.current(), false).state = instance_state::failed;
    CHECK(set.plan().creations.size() == 3);
    set.add(set.current(), false).state = instance_state::failed;
    auto plan = set.plan();
    CHECK(plan.creations.empty());
    CHECK(plan.look_again == set.now() + 1s);
    CHECK(plan.progress.held_up.find("ended of late, the last one, ") != std::string::npos);
    CHECK(plan.progress.held_up.find(": the next is made at ") != std::string::npos);
    set.pass(10min);
    CHECK(set.plan().creations.size() == 3);
}

TEST_CASE("a ReplicaSet that has what is wanted does nothing, and says so", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 2);
    set.add_many(2, set.current());
    auto const plan = set.plan();
    CHECK(plan.changes_nothing());
    CHECK(plan.progress.is_complete);
    CHECK_FALSE(plan.look_again);
    CHECK(plan.progress.held_up == "");
}

TEST_CASE("an older release stays, and what is new is made from the current one", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 3);
    auto const old = set.current();
    set.add_many(2, old);
    auto const next = set.add_release();
    auto const plan = set.plan();
    CHECK(plan.removals.empty());
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].release == next);
    CHECK(plan.forgotten.empty());
    set.carry_out(plan);
    CHECK(set.plan().progress.is_complete);
    CHECK(set.plan().progress.updated == 1);
}

TEST_CASE("in Kubernetes' form the order of deletion is Kubernetes'", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 0);
    auto const spare = [&](seen_instance& which) { return which.id; };
    auto const best = spare(set.add(set.current()));  // ready for longest, since later ones are made later
    set.pass(1h);
    auto const newer = spare(set.add(set.current()));
    auto const restarted = [&] {
        auto& one = set.add(set.current());
        one.ready_since = set.find(newer)->ready_since;
        one.restart_count = 3;
        return one.id;
    }();
    set.pass(1s);
    auto& beside_one = set.add(set.current());
    auto& beside_other = set.add(set.current());
    beside_other.node = beside_one.node;
    auto& cheap = set.add(set.current());
    cheap.deletion_cost = -5;
    auto const unready = spare(set.add(set.current(), false));
    auto& pending = set.add(set.current(), false);
    pending.state = instance_state::creating;
    auto& unbound = set.add(set.current(), false);
    unbound.state = instance_state::pending;
    unbound.node = std::nullopt;
    auto const plan = set.plan();
    CHECK(removed(plan) == std::vector<instance_id>{unbound.id, pending.id, unready, cheap.id, beside_one.id,
                                                    beside_other.id, restarted, newer, best});
    CHECK(plan.removals[0].why == "0 instances are wanted, and there are 9.");
}

TEST_CASE("in RIK's form what is not available goes first, and then the highest index", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 2);
    set.definition().form = definition_form::rik;
    set.add_many(5, set.current());
    set.instances()[1].is_ready = false;
    CHECK(removed(set.plan()) ==
          std::vector<instance_id>{set.instances()[1].id, set.instances()[4].id, set.instances()[3].id});
}

TEST_CASE("instances of about one age go by their ids", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 1);
    auto& first = set.add(set.current());
    set.pass(1s);
    set.add(set.current());
    set.pass(1h);  // 3600 s and 3601 s: the same power of two
    CHECK(removed(set.plan()) == std::vector<instance_id>{first.id});
}

TEST_CASE("a ReplicaSet adopts what matches and has no controller", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 3);
    string_map const matching{{"app", "web"}};
    string_map const other{{"app", "db"}};
    set.upkeep().selector = {{{"app", label_requirement::relation::in, {"web"}}}};
    auto& own = set.add(set.current());
    own.labels = &matching;
    own.index = 0;
    auto& stranger = set.add(set.id<release_tag>());
    stranger.is_own = false;
    stranger.labels = &matching;
    auto& foreign = set.add(set.id<release_tag>());
    foreign.is_own = false;
    foreign.labels = &other;
    auto const plan = set.plan();
    REQUIRE(plan.adopted.size() == 1);
    CHECK(plan.adopted[0] == to_adopt{stranger.id, 1});
    REQUIRE(plan.creations.size() == 1);
    CHECK(plan.creations[0].index == 2);
}

TEST_CASE("what a ReplicaSet has too many of is adopted before it goes", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 0);
    string_map const matching{{"app", "web"}};
    set.upkeep().selector = {{{"app", label_requirement::relation::exists}}};
    auto& stranger = set.add(set.id<release_tag>());
    stranger.is_own = false;
    stranger.labels = &matching;
    auto const plan = set.plan();
    CHECK(plan.adopted.size() == 1);
    CHECK(plan.removals.empty());
    set.adopt(plan);
    CHECK(removed(set.plan()) == std::vector<instance_id>{stranger.id});
}

TEST_CASE("what matches no longer is let go and replaced", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 1);
    string_map const other{{"app", "db"}};
    set.upkeep().selector = {{{"app", label_requirement::relation::in, {"web"}}}};
    auto& own = set.add(set.current());
    own.labels = &other;
    auto const plan = set.plan();
    CHECK(plan.let_go == std::vector<instance_id>{own.id});
    CHECK(plan.creations.size() == 1);
    CHECK(plan.removals.empty());
}

TEST_CASE("without a selector nothing is adopted and nothing let go", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 2);
    set.add(set.current()).is_own = false;
    set.add(set.current());
    auto const plan = set.plan();
    CHECK(plan.adopted.empty());
    CHECK(plan.let_go.empty());
    CHECK(plan.creations.size() == 1);
}

TEST_CASE("what becomes available later is looked at then", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 2);
    set.upkeep().min_ready = 10s;
    set.add_many(1, set.current());
    set.pass(4s);
    set.add_many(1, set.current());
    auto const plan = set.plan();
    CHECK(plan.progress.ready == 2);
    CHECK(plan.progress.available == 0);
    CHECK(plan.look_again == set.now() + 6s);
    set.pass(6s);
    CHECK(set.plan().progress.available == 1);
    set.pass(4s);
    CHECK(set.plan().progress.is_complete);
}

TEST_CASE("a plan lists no more than it may, and says that there is more", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 250);
    set.set_changes_max(100);
    int rounds = 0;
    for (auto plan = set.plan(); !plan.changes_nothing(); plan = set.plan(), ++rounds) {
        CHECK(plan.creations.size() <= 100);
        CHECK(plan.has_more == (rounds < 2));
        set.carry_out(plan);
    }
    CHECK(rounds == 3);
    CHECK(set.instances().size() == 250);
}

TEST_CASE("releases past the history go, the oldest first", "[controllers]") {
    managed_workload set(workload_kind::replica_set, 1);
    auto const first = set.current();
    set.upkeep().history_max = 1;
    auto const second = set.add_release();
    set.add(second);
    auto const third = set.add_release();
    set.add_release();
    CHECK(set.plan().forgotten == std::vector<release_id>{first});
    set.upkeep().history_max = 0;
    CHECK(set.plan().forgotten == std::vector<release_id>{first, third});
}

TEST_CASE("an instance is seen as it is", "[controllers]") {
    auto const definition = written(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"a"},"spec":{
        "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"},"annotations":
        {"controller.kubernetes.io/pod-deletion-cost":"-7"}},"spec":{"containers":[{"name":"a","image":"x"}]}}}})");
    seeded_entropy random(1);
    auto const viewer = workload_id::generate(random);
    instance_fields fields{.id = instance_id::generate(random), .name = "a-1", .owner = viewer};
    fields.made_from = std::make_shared<release const>(make_release(release_id::generate(random), viewer, definition));
    fields.index = 3;
    fields.status.state = instance_state::running;
    fields.status.ready = true;
    fields.status.containers = {{.name = "a", .restart_count = 2}};
    fields.binding = node_binding{.node = node_id::generate(random), .condemned = true};
    instance const row(fields);
    auto const seen = see(row, viewer);
    CHECK(seen.is_own);
    CHECK(seen.index == 3);
    CHECK(seen.is_ready);
    CHECK(seen.is_leaving);
    CHECK(seen.deletion_cost == -7);
    CHECK(seen.restart_count == 2);
    CHECK(seen.labels->at("a") == "b");
    CHECK_FALSE(see_unheard(row, viewer).is_ready);
    CHECK_FALSE(see(row, workload_id::generate(random)).is_own);
}
