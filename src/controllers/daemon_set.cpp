#include "common_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace rik {

using namespace detail;

namespace {

constexpr std::string_view unschedulable_key = "node.kubernetes.io/unschedulable";

toleration existing(std::string_view key, taint_effect effect) {
    return {.key = std::string(key), .how = toleration_operator::exists, .effect = effect};
}

bool is_own_refusal(taint const& each, std::vector<toleration> const& tolerated) {
    return each.effect != taint_effect::prefer_no_schedule && !tolerates(tolerated, each);
}

}  // namespace

std::vector<toleration> daemon_tolerations(instance_template const& of) {
    std::vector<toleration> all{
        existing("node.kubernetes.io/not-ready", taint_effect::no_execute),
        existing("node.kubernetes.io/unreachable", taint_effect::no_execute),
        existing("node.kubernetes.io/disk-pressure", taint_effect::no_schedule),
        existing("node.kubernetes.io/memory-pressure", taint_effect::no_schedule),
        existing("node.kubernetes.io/pid-pressure", taint_effect::no_schedule),
        existing(unschedulable_key, taint_effect::no_schedule),
    };
    if (of.has_host_network)
        all.push_back(existing("node.kubernetes.io/network-unavailable", taint_effect::no_schedule));
    return all;
}

bool is_being_removed(node const& which) {
    return std::ranges::any_of(which.standing.taints, [](auto const& each) { return each.key == leaving_taint_key; });
}

daemon_place place_of_daemon(node const& on, instance_template const& of) {
    auto const refuse = [](std::string_view why) { return daemon_place{why, false}; };
    if (on.standing.is_dead) return refuse("it was declared dead");
    if (is_being_removed(on)) return refuse("it is being removed");
    if (!of.node_name.empty() && of.node_name != on.facts.name) return refuse("another node is asked for");
    for (auto const& [key, value] : of.node_selector) {
        auto const found = on.labels.find(key);
        if (found == on.labels.end() || found->second != value)
            return refuse("it has not the labels that are asked for");
    }
    auto tolerated = of.tolerations;
    std::ranges::copy(daemon_tolerations(of), std::back_inserter(tolerated));
    daemon_place place;
    // Only what the node says itself: a label may be missing by mistake, a hypervisor is not.
    if (on.facts.missing_runtimes.contains(runtime_name(of.form)))
        place.refusal = "it does not offer the runtime that is needed";
    for (auto const& each : on.standing.taints) {
        if (!is_own_refusal(each, tolerated)) continue;
        place.refusal = "it has a taint that is not tolerated";
        if (each.effect == taint_effect::no_execute) place.may_stay = false;
    }
    return place;
}

namespace {

/// What a DaemonSet has on one node.
struct daemon_node {
    node const* on = nullptr;
    daemon_place place = {};
    instance_list active = {};   ///< the best first
    instance_list ended = {};    ///< finished, and nobody wants them to go; the newest last
    instance_list leaving = {};  ///< until they are gone, nothing else starts here

    /// Nobody hears it: nothing is known of it, and nothing can be done there.
    bool is_unheard() const { return on->state == node_state::unheard; }
};

void sort_by_age(instance_list& which) {
    std::ranges::sort(which, {}, [](auto const* each) { return std::pair(each->created_at, each->id); });
}

/// Kubernetes keeps the oldest, also where only a younger one is available.
void sort_best_first(instance_list& which, availability const& is_available) {
    std::ranges::sort(which, {}, [&](auto const* each) {
        return std::tuple(!is_available(*each), !each->node, each->created_at, each->id);
    });
}

class daemon_planner {
public:
    daemon_planner(workload_view const& of, workload_plan& plan)
        : of_(of), plan_(plan), is_available_(of), claimed_(of, plan) {
        for (auto const* each : of_.nodes) nodes_[each->id] = {.on = each, .place = place_of(*each)};
        for (auto const* each : claimed_.active()) put(*each, &daemon_node::active);
        for (auto const& each : of_.instances) put_inactive(each);
        for (auto& [id, each] : nodes_) {
            sort_best_first(each.active, is_available_);
            sort_by_age(each.ended);
        }
    }

    void plan() {
        for (auto& [id, each] : nodes_) plan_node(each);
        auto const room = room_of_daemon_set(upkeep(), eligible_count());
        if (upkeep().policy != update_policy::rolling) return;
        if (room.surge > 0)
            roll_beside(room.surge);
        else
            roll_in_place(std::max<std::int64_t>(room.unavailable, 1));
    }

    void settle_progress() {
        auto& progress = plan_.progress;
        count_progress(of_, claimed_.active(), plan_);
        progress.wanted = eligible_count();
        progress.have = progress.updated = progress.ready = progress.available = 0;
        for (auto const& [id, each] : nodes_) count_node(each);
        progress.unavailable = std::max<std::int64_t>(progress.wanted - progress.available, 0);
        auto const is_updated = upkeep().policy == update_policy::on_delete || progress.updated == progress.wanted;
        progress.is_complete = is_updated && progress.available == progress.wanted && progress.have == placed_;
    }

private:
    workload_upkeep const& upkeep() const { return of_.wanted.definition->upkeep; }
    bool is_new(seen_instance const& which) const { return which.made_from == of_.wanted.current_release; }
    bool surges() const { return upkeep().policy == update_policy::rolling && upkeep().max_surge.value > 0; }
    daemon_place place_of(node const& on) const {
        if (of_.wanted.paused_since) return {"the DaemonSet is paused", false};
        return place_of_daemon(on, of_.wanted.definition->spec);
    }

    std::int64_t eligible_count() const {
        return std::ranges::count_if(nodes_, [](auto const& each) { return each.second.place.is_eligible(); });
    }

    // What is where

    void put(seen_instance const& which, instance_list daemon_node::*list) {
        auto const where = which.node ? which.node : which.meant_for;
        auto const found = where ? nodes_.find(*where) : nodes_.end();
        if (found != nodes_.end()) return (found->second.*list).push_back(&which);
        if (list == &daemon_node::leaving || !which.is_own) return;
        remove(which, where ? "Its node is gone." : "It belongs to no node.");
    }
    void put_inactive(seen_instance const& which) {
        if (!which.is_own || is_active(which)) return;
        put(which, is_finished(which.state) && !which.is_leaving ? &daemon_node::ended : &daemon_node::leaving);
    }

    void remove(seen_instance const& which, std::string why) {
        if (which.is_own && removed_.insert(which.id).second) add_removal(of_, plan_, which, std::move(why));
    }
    void create(daemon_node const& where) {
        add_creation(of_, plan_, {.release = of_.wanted.current_release, .node = where.on->id});
    }

    // One instance on each node

    void plan_node(daemon_node& at) {
        if (!at.place.may_stay) {
            auto const why = fmt::format("On node {} there is to be none: {}.", at.on->facts.name, at.place.refusal);
            for (auto const* list : {&at.active, &at.ended})
                for (auto const* each : *list) remove(*each, why);
            return;
        }
        thin_out(at);
        forget_ended(at);
        auto const is_free = at.active.empty() && at.leaving.empty();
        if (is_free && takes_part(at) && is_time_to_retry(at)) create(at);
    }

    /// The best stays; while it surges, the best of the new ones stays beside the best of the old ones, until it can do
    /// without.
    void thin_out(daemon_node& at) {
        if (at.active.size() < 2) return;
        if (!surges()) {
            for (std::size_t i = 1; i < at.active.size(); ++i) remove(*at.active[i], one_is_enough(at));
            return;
        }
        seen_instance const* best_new = nullptr;
        seen_instance const* best_old = nullptr;
        for (auto const* each : at.active) {
            auto& kept = is_new(*each) ? best_new : best_old;
            if (kept == nullptr)
                kept = each;
            else
                remove(*each, one_is_enough(at));
        }
        if (best_new == nullptr || best_old == nullptr) return;
        if (!best_old->is_ready || is_available_(*best_new))
            remove(*best_old, fmt::format("A new one is on node {}.", at.on->facts.name));
    }
    static std::string one_is_enough(daemon_node const& at) {
        return fmt::format("There is another one on node {}.", at.on->facts.name);
    }

    // What has ended

    bool is_time_to_retry(daemon_node const& at) {
        if (at.ended.empty()) return true;
        auto const last = std::ranges::max_element(at.ended, {}, [](auto const* each) { return each->state_since; });
        auto const next = (*last)->state_since + pause_after(at.ended.size());
        if (next <= of_.now) return true;
        look_again_at(plan_, next);
        return false;
    }
    void forget_ended(daemon_node const& at) {
        auto const is_steady = std::ranges::any_of(at.active, [&](auto const* each) {
            return each->is_ready && each->ready_since && *each->ready_since + failures_forgotten_after <= of_.now;
        });
        auto const kept = is_steady ? 0 : failures_counted_max;
        for (std::size_t i = 0; i + kept < at.ended.size(); ++i)
            remove(*at.ended[i], "It has ended, and newer ones tell why.");
        if (at.ended.empty() || is_steady) return;
        for (auto const* each : at.active)
            if (each->is_ready && each->ready_since)
                look_again_at(plan_, *each->ready_since + failures_forgotten_after);
    }

    // Coming to a new release

    /// The old and the new one of a node; neither, if it has more of one sort and must be thinned out first.
    struct pair {
        seen_instance const* old = nullptr;
        seen_instance const* fresh = nullptr;
        bool is_clear = true;
    };
    pair pair_on(daemon_node const& at) const {
        pair found;
        for (auto const* each : at.active) {
            auto& one = is_new(*each) ? found.fresh : found.old;
            if (one != nullptr || removed_.contains(each->id)) found.is_clear = false;
            one = each;
        }
        return found;
    }
    /// A node that is not heard holds up nobody, and nothing is replaced there.
    bool takes_part(daemon_node const& at) const { return at.place.is_eligible() && !at.is_unheard(); }

    /// A node without an instance counts as one where it is unavailable: so it is soon.
    void roll_in_place(std::int64_t unavailable_max) {
        std::int64_t unavailable = 0;
        instance_list candidates;
        for (auto const& [id, each] : nodes_) {
            if (!takes_part(each)) continue;
            auto const on = pair_on(each);
            auto const is_old_only = on.is_clear && on.old != nullptr && on.fresh == nullptr;
            if (is_old_only && !is_available_(*on.old))
                remove(*on.old, "It is of an older release, and not available.");
            else if (is_old_only)
                candidates.push_back(on.old);
            if (is_old_only ? !is_available_(*on.old) : !has_available(on)) ++unavailable;
        }
        for (auto const* each : candidates) {
            if (unavailable >= unavailable_max) return;
            ++unavailable;
            remove(*each, "It is of an older release.");
        }
    }
    bool has_available(pair const& on) const {
        return on.is_clear && on.old == nullptr && on.fresh != nullptr && is_available_(*on.fresh);
    }

    void roll_beside(std::int64_t surge_max) {
        std::int64_t surge = 0;
        std::vector<daemon_node const*> candidates;
        for (auto const& [id, each] : nodes_) {
            if (!takes_part(each)) continue;
            auto const on = pair_on(each);
            if (!on.is_clear || (on.fresh != nullptr && on.old != nullptr)) {
                ++surge;
                continue;
            }
            if (on.old == nullptr || !each.leaving.empty() || !is_time_to_retry(each)) continue;
            if (is_available_(*on.old))
                candidates.push_back(&each);
            else
                create(each);
        }
        for (auto const* each : candidates) {
            if (surge >= surge_max) return;
            ++surge;
            create(*each);
        }
    }

    // Counts: of each node the best one

    void count_node(daemon_node const& at) {
        auto& progress = plan_.progress;
        if (!at.place.is_eligible()) {
            if (!at.active.empty()) ++progress.misplaced;
            return;
        }
        if (at.active.empty()) return;
        ++progress.have;
        placed_ += static_cast<std::int64_t>(at.active.size());
        auto const any = [&](auto const& holds) {
            return std::ranges::any_of(at.active, [&](auto const* each) { return holds(*each); }) ? 1 : 0;
        };
        progress.updated += any([&](seen_instance const& each) { return is_new(each); });
        progress.ready += any([](seen_instance const& each) { return each.is_ready; });
        progress.available += any([&](seen_instance const& each) { return is_available_(each); });
    }

    workload_view const& of_;
    workload_plan& plan_;
    availability is_available_;
    claimed_instances claimed_;
    std::map<node_id, daemon_node> nodes_;
    std::set<instance_id> removed_;
    std::int64_t placed_ = 0;  ///< what is active on nodes that are to have one
};

}  // namespace

workload_plan plan_daemon_set(workload_view const& of) {
    workload_plan plan;
    daemon_planner planner(of, plan);
    planner.plan();
    planner.settle_progress();
    if (plan.progress.is_complete) forget_releases(of, of.wanted.definition->upkeep.history_max, plan);
    return plan;
}

}  // namespace rik
