// Properties of the controller of StatefulSets, in a small cluster that carries plans out in parts, in any order, while
// instances become ready, fail and vanish, nodes are not heard, and users change their minds:
// - there are never two of one ordinal, whatever has become of the first;
// - in order, one is made only when all below it are available, and what is too much goes from the top;
// - a rollout takes no available one where as many as may be are unavailable already, and none below the partition;
// - it comes to rest at what is wanted, and then says that it is complete.
#include <rik/controllers/controller.hpp>

#include <rik/base/entropy.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

constexpr int histories = 250;
constexpr int steps = 120;

class ordinal_cluster {
public:
    explicit ordinal_cluster(entropy& random) : random_(random), in_(workload_kind::stateful_set, 1) {
        in_.upkeep().min_ready = coin() ? 0s : 5s;
        in_.upkeep().history_max = static_cast<std::uint32_t>(below(3));
        in_.set_changes_max(coin() ? 2 : 1'000);
        in_.set_replicas(static_cast<std::uint32_t>(below(6)));
        own().management = coin() ? pod_management::parallel : pod_management::ordered_ready;
    }

    void live() {
        for (int step = 0; step < steps; ++step) {
            change_something();
            act_on(in_.plan());
        }
    }

    void rest() {
        for (auto& each : in_.instances()) each.is_unheard = false;
        for (int round = 0; round < 600; ++round) {
            for (auto& each : in_.instances()) come_up(each);
            std::erase_if(in_.instances(), [](auto const& each) { return each.is_leaving; });
            in_.pass(1min);
            auto const plan = in_.plan();
            if (plan.changes_nothing() && plan.progress.is_complete) return check_rest(plan);
            act_on(plan);
        }
        FAIL("it does not come to rest");
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool coin() { return below(2) == 0; }
    stateful_set_upkeep& own() { return *in_.upkeep().stateful; }
    seen_instance& any() { return in_.instances()[below(in_.instances().size())]; }

    // What happens

    void come_up(seen_instance& which) {
        if (which.is_leaving || is_finished(which.state) || which.is_unheard || which.is_ready) return;
        which.node = which.node ? which.node : in_.id<node_tag>();
        which.state = instance_state::running;
        which.is_ready = true;
        which.ready_since = in_.now();
    }
    void let_down(seen_instance& which) {
        which.is_ready = false;
        which.ready_since = std::nullopt;
    }
    void change_instance() {
        if (in_.instances().empty()) return;
        auto& one = any();
        switch (below(6)) {
            case 0:
            case 1: return come_up(one);
            case 2: return let_down(one);
            case 3:
                if (!one.is_leaving && !is_finished(one.state)) {
                    let_down(one);
                    one.state = coin() ? instance_state::failed : instance_state::succeeded;
                    one.has_ended = true;
                    one.state_since = in_.now();
                }
                return;
            case 4: one.is_unheard = !one.is_unheard; return let_down(one);
            default: one.is_leaving = true;  // a user has deleted it, or its node is drained
        }
    }
    void change_wish() {
        switch (below(6)) {
            case 0: return in_.set_replicas(static_cast<std::uint32_t>(below(6)));
            case 1: own().partition = static_cast<std::uint32_t>(below(4)); return;
            case 2: in_.upkeep().max_unavailable = {static_cast<std::int32_t>(1 + below(3))}; return;
            case 3: in_.upkeep().policy = coin() ? update_policy::rolling : update_policy::on_delete; return;
            case 4: own().first_ordinal = static_cast<std::uint32_t>(below(3)); return;
            default:
                if (coin())
                    in_.add_release();
                else
                    in_.set_current(in_.releases()[below(in_.releases().size())].id);
        }
    }
    void change_something() {
        in_.pass(std::chrono::seconds(below(8)));
        if (below(4) == 0) return change_wish();
        if (coin()) return change_instance();
        // What is leaving is gone, if its node is heard.
        std::erase_if(in_.instances(), [&](auto const& each) { return each.is_leaving && !each.is_unheard && coin(); });
    }

    // Plans

    void act_on(workload_plan const& plan) {
        std::vector<std::size_t> order(plan.removals.size() + plan.creations.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
        if (!order.empty() && coin()) order.resize(below(order.size() + 1));
        auto const was_missing = missing();
        waits_for_room_ = std::ranges::any_of(in_.instances(), [&](auto const& each) {
            return is_wanted(*each.index) && !each.is_leaving && !is_finished(each.state) && !each.node &&
                   each.created_at + 30s <= in_.now();
        });
        for (auto const each : order) {
            if (each < plan.removals.size())
                remove(plan.removals[each], was_missing);
            else
                create(plan.creations[each - plan.removals.size()], plan);
        }
        if (coin()) in_.forget(plan);
    }

    bool is_wanted(std::uint32_t ordinal) {
        return ordinal >= own().first_ordinal && ordinal - own().first_ordinal < in_.replicas();
    }
    bool is_available(seen_instance const& of) {
        if (of.is_leaving || is_finished(of.state) || !of.is_ready) return false;
        return in_.upkeep().min_ready == 0s || *of.ready_since + 5s <= in_.now();
    }
    bool is_available(std::uint32_t ordinal) {
        return std::ranges::any_of(in_.instances(),
                                   [&](auto const& each) { return each.index == ordinal && is_available(each); });
    }
    std::int64_t missing() {
        std::int64_t count = 0;
        for (std::uint32_t i = 0; i < in_.replicas(); ++i) count += is_available(own().first_ordinal + i) ? 0 : 1;
        return count;
    }
    bool is_below_partition(std::uint32_t ordinal) {
        return in_.upkeep().policy == update_policy::rolling && ordinal - own().first_ordinal < own().partition;
    }

    void create(to_create const& what, workload_plan const& plan) {
        auto const ordinal = what.index.value();
        CHECK(is_wanted(ordinal));
        CHECK(std::ranges::none_of(in_.instances(), [&](auto const& each) { return each.index == ordinal; }));
        if (own().management == pod_management::ordered_ready)
            for (auto lower = own().first_ordinal; lower < ordinal; ++lower) CHECK(is_available(lower));
        CHECK(what.release == (is_below_partition(ordinal) ? plan.progress.stable : in_.current()));
        in_.create(what);
    }
    void remove(to_remove const& what, std::int64_t was_missing) {
        CHECK_FALSE(what.why.empty());
        auto& which = *in_.find(what.instance);
        auto const ordinal = which.index.value();
        auto const was_available = is_available(which);
        in_.remove(what);
        if (is_finished(which.state)) return;
        if (!is_wanted(ordinal)) {
            if (own().management == pod_management::parallel) return;
            CHECK((was_missing == 0 || waits_for_room_));
            CHECK(std::ranges::none_of(
                in_.instances(), [&](auto const& each) { return each.index > ordinal && !is_wanted(*each.index); }));
            return;
        }
        // In order, what is too much goes first.
        if (was_available && own().management == pod_management::ordered_ready)
            CHECK(std::ranges::none_of(in_.instances(), [&](auto const& each) { return !is_wanted(*each.index); }));
        CHECK(in_.upkeep().policy == update_policy::rolling);
        CHECK(which.made_from != in_.current());
        CHECK_FALSE(is_below_partition(ordinal));
        CHECK_FALSE(which.is_unheard);
        if (!was_available) return;
        CHECK(missing() <= std::max<std::int64_t>(in_.upkeep().max_unavailable.value, 1));
    }

    void check_rest(workload_plan const& plan) {
        CHECK(in_.instances().size() == in_.replicas());
        CHECK(missing() == 0);
        if (in_.upkeep().policy == update_policy::on_delete) return;
        for (auto const& each : in_.instances())
            if (!is_below_partition(each.index.value())) CHECK(each.made_from == in_.current());
        CHECK((own().partition > 0 || in_.replicas() == 0 || plan.progress.stable == in_.current()));
    }

    entropy& random_;
    managed_workload in_;
    bool waits_for_room_ = false;
};

}  // namespace

TEST_CASE("a StatefulSet keeps its promises, whatever happens", "[property][controllers]") {
    seeded_entropy random(test_seed());
    for (int i = 0; i < histories; ++i) {
        INFO("history " << i);
        ordinal_cluster cluster(random);
        cluster.live();
        cluster.rest();
    }
}
