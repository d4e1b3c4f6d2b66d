// Properties of the controllers, in a small cluster that carries plans out in parts, in any order, while instances
// become ready, fail and vanish, and users change their minds:
// - a Deployment never makes an instance past replicas and surge, and never takes an available one where fewer than
//   replicas without unavailable are left; a Recreate never has two releases at once;
// - a DaemonSet never has two instances on one node, or three while it surges, those that are leaving among them, and
//   takes no more nodes than it may;
// - a ReplicaSet never makes more than is wanted, nor takes more than is too much;
// - each comes to rest at what is wanted, and then says that it is complete;
// - while one is at rest, its counts say the same as a look at its instances, whoever is ready.
#include <rik/controllers/controller.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

constexpr int histories = 250;
constexpr int steps = 120;

class small_cluster {
public:
    small_cluster(workload_kind kind, entropy& random) : random_(random), kind_(kind), in_(kind, 1) {
        in_.definition().form = coin() ? definition_form::rik : definition_form::kubernetes;
        in_.upkeep().min_ready = coin() ? 0s : 5s;
        in_.upkeep().history_max = static_cast<std::uint32_t>(below(3));
        in_.set_changes_max(coin() ? 2 : 1'000);
        in_.set_replicas(static_cast<std::uint32_t>(below(9)));
        choose_policy();
        for (auto left = below(7); left > 0; --left) add_node();
    }

    void live() {
        for (int step = 0; step < steps; ++step) {
            change_something();
            plan_and_act();
        }
    }

    /// Nothing changes any more but that what was made becomes ready.
    void rest() {
        in_.upkeep().is_paused = false;
        for (auto& each : in_.nodes()) each.state = node_state::ready;
        for (int round = 0; round < 600; ++round) {
            for (auto& each : in_.instances()) come_up(each);
            let_leave();
            in_.pass(1min);  // longer than min_ready; pauses after failures pass, too
            auto const plan = in_.plan();
            if (plan.changes_nothing() && in_.plan().progress.is_complete) return check_rest();
            check_plan(plan);
            act_on(plan);
        }
        auto const plan = in_.plan();
        FAIL("it does not come to rest: wanted " << plan.progress.wanted << ", have " << plan.progress.have
                                                 << ", updated " << plan.progress.updated << ", available "
                                                 << plan.progress.available);
    }

    int rests() const { return rests_; }

private:
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool coin() { return below(2) == 0; }
    bool one_of(std::uint64_t count) { return below(count) == 0; }

    void choose_policy() {
        auto& upkeep = in_.upkeep();
        auto const share = [&] {
            return coin() ? count_or_percent{static_cast<std::int32_t>(below(4))}
                          : count_or_percent{static_cast<std::int32_t>(below(101)), true};
        };
        if (kind_ == workload_kind::deployment) {
            upkeep.policy = one_of(4) ? update_policy::recreate : update_policy::rolling;
            upkeep.max_surge = share();
            upkeep.max_unavailable = share();
        }
        if (kind_ == workload_kind::daemon_set) {
            upkeep.policy = one_of(5) ? update_policy::on_delete : update_policy::rolling;
            upkeep.max_surge = coin() ? count_or_percent{1 + static_cast<std::int32_t>(below(3))} : count_or_percent{};
            upkeep.max_unavailable = upkeep.max_surge.value > 0
                                         ? count_or_percent{}
                                         : count_or_percent{1 + static_cast<std::int32_t>(below(3))};
        }
    }

    void add_node() { in_.add_node("n" + std::to_string(++nodes_made_)); }
    seen_instance* any_instance() {
        if (in_.instances().empty()) return nullptr;
        return &in_.instances()[below(in_.instances().size())];
    }

    // What happens to instances

    void come_up(seen_instance& which) {
        if (which.is_leaving || is_finished(which.state) || which.is_ready) return;
        which.node = which.meant_for ? *which.meant_for : which.node.value_or(in_.id<node_tag>());
        which.state = instance_state::running;
        which.is_ready = true;
        which.ready_since = in_.now();
    }
    void fail(seen_instance& which) {
        if (which.is_leaving || is_finished(which.state)) return;
        which.state = instance_state::failed;
        which.is_ready = false;
        which.state_since = in_.now();
    }
    void let_leave() {
        std::erase_if(in_.instances(), [&](seen_instance const& each) { return each.is_leaving; });
    }

    void change_something() {
        auto* const one = any_instance();
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
                if (one != nullptr) come_up(*one);
                return;
            case 4:
                if (one != nullptr) one->is_ready = false;
                return;
            case 5:
                if (one != nullptr && one_of(3)) fail(*one);
                return;
            case 6:
                if (one != nullptr && (one->is_leaving || one_of(4))) in_.remove({one->id});
                if (one != nullptr && one->is_leaving) let_leave();
                return;
            case 7: return in_.pass(std::chrono::seconds(below(20)));
            case 8:
                if (one_of(3)) in_.set_replicas(static_cast<std::uint32_t>(below(9)));
                return;
            case 9: return change_release();
            case 10:
                if (one_of(3) && kind_ == workload_kind::deployment) in_.upkeep().is_paused = coin();
                return;
            default: return change_nodes();
        }
    }
    void change_release() {
        if (!one_of(3)) return;
        if (coin()) return void(in_.add_release());
        auto const& all = in_.releases();
        in_.set_current(all[below(all.size())].id);
    }
    void change_nodes() {
        if (in_.nodes().empty() || one_of(3)) return add_node();
        auto& one = in_.nodes()[below(in_.nodes().size())];
        switch (below(4)) {
            case 0: one.state = one.state == node_state::ready ? node_state::unheard : node_state::ready; return;
            case 1: one.standing.taints = {}; return;
            case 2:
                one.standing.taints = {{"a", "", coin() ? taint_effect::no_schedule : taint_effect::no_execute}};
                return;
            default:
                // What is on a node that is removed goes with it, or, if it is unbound, is left.
                for (auto& each : in_.instances())
                    if (each.node == one.id) each.is_leaving = true;
                std::erase_if(in_.nodes(), [&](node const& each) { return each.id == one.id; });
        }
    }

    // Plans

    void plan_and_act() {
        auto const plan = in_.plan();
        check_plan(plan);
        act_on(plan);
        auto const moves_none = plan.creations.empty() && plan.removals.empty() && plan.adopted.empty() &&
                                plan.let_go.empty() && plan.restarts.empty();
        if (moves_none) check_counts();
    }

    void check_counts() {
        for (auto& each : in_.instances()) {
            if (coin() || each.is_leaving || each.state != instance_state::running) continue;
            each.is_ready = !each.is_ready;
            if (each.is_ready) each.ready_since = in_.now();
        }
        in_.pass(std::chrono::seconds(below(20)));
        auto const by_counts = in_.plan_by_counts();
        if (!by_counts) return;
        ++rests_;
        auto const seen = in_.plan();
        CHECK(by_counts->changes_nothing() == seen.changes_nothing());
        CHECK(by_counts->forgotten == seen.forgotten);
        CHECK(by_counts->look_again == seen.look_again);
        CHECK(by_counts->progress == seen.progress);
    }

    /// Some of its changes, in any order: sizes first.
    void act_on(workload_plan const& plan) {
        in_.keep_sizes(plan);
        in_.adopt(plan);
        std::vector<std::size_t> order(plan.removals.size() + plan.creations.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
        if (!order.empty() && coin()) order.resize(below(order.size() + 1));
        for (auto const each : order) {
            if (each < plan.removals.size())
                remove(plan.removals[each]);
            else
                create(plan.creations[each - plan.removals.size()]);
        }
        if (coin()) in_.forget(plan);
    }

    void remove(to_remove const& what) {
        CHECK_FALSE(what.why.empty());
        auto* const which = in_.find(what.instance);
        REQUIRE(which != nullptr);
        auto const was_available = is_available(*which);
        in_.remove(what);
        if (was_available) check_available();
    }
    void create(to_create const& what) {
        auto& made = in_.create(what);
        if (kind_ == workload_kind::deployment) check_surge(made);
        if (kind_ == workload_kind::replica_set) CHECK(active_count() <= in_.replicas());
        if (kind_ == workload_kind::daemon_set) check_node(made);
        if (made.index) check_index(made);
    }

    // Promises

    static bool is_active(seen_instance const& of) { return !of.is_leaving && !is_finished(of.state); }
    bool is_available(seen_instance const& of) const {
        if (!is_active(of) || !of.is_ready) return false;
        return in_min_ready() == 0s || (of.ready_since && *of.ready_since + 5s <= in_.now());
    }
    duration in_min_ready() const { return const_cast<managed_workload&>(in_).upkeep().min_ready; }
    std::int64_t active_count() { return std::ranges::count_if(in_.instances(), is_active); }

    void check_surge(seen_instance const& made) {
        auto const is_rolling = in_.upkeep().policy == update_policy::rolling;
        auto const surge =
            is_rolling && in_.replicas() > 0 ? room_of_deployment(in_.upkeep(), in_.replicas()).surge : 0;
        CHECK(active_count() <= in_.replicas() + surge);
        if (in_.upkeep().policy == update_policy::recreate)
            CHECK(std::ranges::none_of(in_.instances(), [&](seen_instance const& each) {
                return each.made_from != made.made_from && !is_finished(each.state);
            }));
    }
    void check_available() {
        auto const available =
            std::ranges::count_if(in_.instances(), [&](auto const& each) { return is_available(each); });
        if (kind_ == workload_kind::replica_set) CHECK(active_count() >= in_.replicas());
        if (kind_ == workload_kind::deployment && in_.upkeep().policy == update_policy::rolling && in_.replicas() > 0)
            CHECK(available >= in_.replicas() - room_of_deployment(in_.upkeep(), in_.replicas()).unavailable);
        if (kind_ == workload_kind::daemon_set) check_available_nodes();
    }
    void check_available_nodes() {
        std::int64_t eligible = 0, heard = 0, available = 0;
        for (auto const& each : in_.nodes()) {
            if (!place_of_daemon(each, in_.definition().spec).is_eligible()) continue;
            ++eligible;
            if (each.state == node_state::unheard) continue;
            ++heard;
            available += std::ranges::any_of(in_.instances(),
                                             [&](auto const& one) { return one.node == each.id && is_available(one); });
        }
        // What is taken from a node that is not to have one, or beside another one there, is taken anyway.
        auto const may_miss = std::max<std::int64_t>(room_of_daemon_set(in_.upkeep(), eligible).unavailable, 1);
        auto const missing = heard - available;
        CHECK(missing <= std::max(may_miss, missing_before_));
    }
    void check_plan(workload_plan const& plan) {
        missing_before_ = 1'000'000;
        if (kind_ != workload_kind::daemon_set) return;
        std::int64_t missing = 0;
        for (auto const& each : in_.nodes()) {
            if (!place_of_daemon(each, in_.definition().spec).is_eligible() || each.state == node_state::unheard)
                continue;
            missing += std::ranges::none_of(in_.instances(),
                                            [&](auto const& one) { return one.node == each.id && is_available(one); });
        }
        missing_before_ = missing;
        CHECK(plan.progress.wanted >= plan.progress.available);
    }
    void check_node(seen_instance const& made) {
        auto const there = std::ranges::count_if(in_.instances(), [&](seen_instance const& each) {
            return !is_finished(each.state) && (each.node ? each.node : each.meant_for) == made.meant_for;
        });
        CHECK(there <= (in_.upkeep().max_surge.value > 0 ? 2 : 1));
    }
    void check_index(seen_instance const& made) {
        auto const others = std::ranges::count_if(
            in_.instances(), [&](seen_instance const& each) { return is_active(each) && each.index == made.index; });
        CHECK(others == 1);
    }

    void check_rest() {
        auto const plan = in_.plan();
        if (kind_ == workload_kind::daemon_set) {
            std::map<node_id, int> counts;
            for (auto const& each : in_.instances())
                if (is_active(each)) ++counts[each.node.value()];
            for (auto const& each : in_.nodes()) {
                auto const place = place_of_daemon(each, in_.definition().spec);
                if (place.is_eligible()) CHECK(counts[each.id] == 1);
                if (!place.may_stay) CHECK(counts[each.id] == 0);
            }
        } else {
            CHECK(active_count() == in_.replicas());
        }
        if (kind_ == workload_kind::replica_set || in_.upkeep().policy == update_policy::on_delete) return;
        for (auto const& each : in_.instances())
            if (is_active(each) && !is_misplaced(each)) CHECK(each.made_from == in_.current());
    }

    bool is_misplaced(seen_instance const& of) {
        return std::ranges::any_of(in_.nodes(), [&](node const& each) {
            return each.id == of.node && !place_of_daemon(each, in_.definition().spec).is_eligible();
        });
    }

    entropy& random_;
    workload_kind kind_;
    managed_workload in_;
    int nodes_made_ = 0;
    int rests_ = 0;
    std::int64_t missing_before_ = 0;
};

void live_and_rest(workload_kind kind) {
    seeded_entropy random(test_seed());
    int rests = 0;
    for (int i = 0; i < histories; ++i) {
        INFO("history " << i);
        small_cluster cluster(kind, random);
        cluster.live();
        cluster.rest();
        rests += cluster.rests();
    }
    CHECK((rests > histories) == (kind != workload_kind::daemon_set));
}

}  // namespace

TEST_CASE("a ReplicaSet keeps its promises, whatever happens", "[property][controllers]") {
    live_and_rest(workload_kind::replica_set);
}

TEST_CASE("a Deployment keeps its promises, whatever happens", "[property][controllers]") {
    live_and_rest(workload_kind::deployment);
}

TEST_CASE("a DaemonSet keeps its promises, whatever happens", "[property][controllers]") {
    live_and_rest(workload_kind::daemon_set);
}
