#include "image_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

std::vector<item> scheduler_image::apply(facts const& news) {
    if (news.everything) forget_unnamed(news.items);
    for (auto const& id : news.removed) forget(id);
    for (auto const& id : news.refused) take_refusal(id);
    for (auto const& each : news.nodes) take_node(each);
    std::vector<item> due;
    for (auto const& each : news.items)
        if (take(each)) due.push_back(each);
    at_ = news.at;
    cluster_ = news.cluster;
    cluster_cidr_ = news.cluster_cidr;
    is_complete_ = is_complete_ || news.everything;
    return due;
}

void scheduler_image::forget_unnamed(std::vector<item> const& named) {
    std::set<instance_id> kept;
    for (auto const& each : named) kept.insert(each.instance);
    std::vector<instance_id> unnamed;
    for (auto const& [id, old] : items_)
        if (!kept.contains(id)) unnamed.push_back(id);
    for (auto const& id : unnamed) forget(id);
    nodes_.clear();
}

bool scheduler_image::take(item const& news) {
    auto const old = items_.find(news.instance);
    auto const is_known = old != items_.end() && old->second.want == news.want && old->second.fence == news.fence;
    if (old != items_.end()) unlink(old->second);
    items_[news.instance] = news;
    if (news.want == item_want::place) {
        auto const [waiting, is_new] = pending_.try_emplace(news.instance);
        if (!is_new) return false;
        waiting->second.arrival = ++arrivals_;
        await_decision(news.instance, waiting->second);
        return false;
    }
    if (auto const waiting = pending_.find(news.instance); waiting != pending_.end()) {
        undecided_.erase(waiting->second.arrival);
        pending_.erase(waiting);
    }
    by_node_[news.node].insert(news.instance);
    if (news.takes_room)
        view_.hold(news.instance, news.node, news.pod_release);
    else
        release(news.instance);
    return !is_known && (news.want == item_want::destroy || news.takes_room);
}

/// One that has not said Hello counts among those that are not ready, with its name.
void scheduler_image::take_node(registered_node const& news) {
    nodes_[news.node] = news;
    auto const* const seen = view_.find(news.node);
    if (seen != nullptr && !seen->name.empty()) return;
    view_.set_node(candidate{.id = news.node, .name = news.name, .is_ready = false});
    nodes_changed_ = true;
}

void scheduler_image::take_refusal(instance_id const& instance) {
    auto const waiting = pending_.find(instance);
    if (waiting == pending_.end() || waiting->second.made != decision::proposed) return;
    waiting->second.made = decision::refused;
    release(instance);
}

void scheduler_image::forget(instance_id const& instance) {
    if (auto const old = items_.find(instance); old != items_.end()) {
        unlink(old->second);
        items_.erase(old);
    }
    if (auto const waiting = pending_.find(instance); waiting != pending_.end()) {
        undecided_.erase(waiting->second.arrival);
        pending_.erase(waiting);
    }
    release(instance);
}

void scheduler_image::release(instance_id const& instance) { nodes_changed_ |= view_.release(instance); }

void scheduler_image::await_decision(instance_id const& instance, pending& state) {
    state.made = decision::due;
    undecided_.emplace(state.arrival, instance);
}

void scheduler_image::unlink(item const& old) {
    if (auto const found = by_node_.find(old.node); found != by_node_.end()) found->second.erase(old.instance);
}

registered_node const* scheduler_image::find_node(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

void scheduler_image::set_node(node_id const& node, node_facts const& facts) {
    auto offered = candidate_of(node, facts);
    offered.is_ready = false;
    view_.set_node(offered);
    nodes_changed_ = true;
}

void scheduler_image::set_ready(node_id const& node, bool is_ready) {
    view_.set_ready(node, is_ready);
    nodes_changed_ = true;
}

void scheduler_image::set_troubles(node_id const& node, std::vector<node_trouble> troubles) {
    view_.set_troubles(node, std::move(troubles));
    nodes_changed_ = true;
}

placement scheduler_image::place(placement_policy const& policy, std::size_t count_max) {
    if (std::exchange(nodes_changed_, false))
        for (auto& [id, state] : pending_)
            if (state.made == decision::fits_nowhere) await_decision(id, state);
    std::vector<place_request> requests;
    while (!undecided_.empty() && requests.size() < count_max) {
        auto const id = undecided_.extract(undecided_.begin()).mapped();
        requests.push_back({id, items_.at(id).pod_release});
    }

    auto const names = [this](instance_id const& id) { return name_of(id); };
    auto decided = rik::place(view_, requests, policy, names);
    for (auto const& each : decided.placed) {
        auto& state = pending_.at(each.instance);
        state.made = decision::proposed;
        state.told.reset();
        view_.hold(each.instance, each.node, items_.at(each.instance).pod_release);
    }
    for (auto& group : decided.unplaced) {
        std::erase_if(group.instances, [&](instance_id const& id) {
            auto& state = pending_.at(id);
            state.made = decision::fits_nowhere;
            if (holds_failures_) return true;
            return was_told(state, group);
        });
    }
    std::erase_if(decided.unplaced, [](placement_failure const& group) { return group.instances.empty(); });
    return decided;
}

bool scheduler_image::was_told(pending& state, placement_failure const& failure) {
    auto const same_causes = std::exchange(state.told, failure.causes) == failure.causes;
    return std::exchange(state.told_holders, failure.holders) == failure.holders && same_causes;
}

std::string scheduler_image::name_of(instance_id const& instance) const {
    auto const found = items_.find(instance);
    if (found == items_.end()) return {};
    auto const& [id, known] = *found;
    return known.workload.empty() ? known.name : known.name + " of workload " + known.workload;
}

void scheduler_image::tell_failures() { nodes_changed_ |= std::exchange(holds_failures_, false); }

void scheduler_image::forget_decisions() {
    for (auto& [id, state] : pending_) {
        if (state.made == decision::proposed) release(id);
        state.told.reset();
        await_decision(id, state);
    }
}

void scheduler_image::retry_refused() {
    for (auto& [id, state] : pending_)
        if (state.made == decision::refused) await_decision(id, state);
}

std::vector<order> scheduler_image::due(node_id const& node, std::vector<held_instance> const& inventory) const {
    std::set<instance_id> held;
    for (auto const& each : inventory) held.insert(each.instance);
    std::vector<order> orders;
    auto const bound = by_node_.find(node);
    if (bound != by_node_.end()) {
        for (auto const& id : bound->second) {
            auto const& known = items_.at(id);
            auto const is_missing = !held.contains(id) && known.takes_room;
            if (known.want == item_want::destroy || is_missing) orders.push_back(order_for(known));
        }
    }
    for (auto const& each : inventory) {
        auto const is_ours = bound != by_node_.end() && bound->second.contains(each.instance);
        // With a fence above our revision it is we who do not know yet.
        if (!is_ours && each.fence <= at_)
            orders.push_back({.instance = each.instance, .fence = each.fence, .run = false});
    }
    return orders;
}

order scheduler_image::order_for(item const& what) {
    order made{.instance = what.instance, .fence = what.fence, .run = what.want == item_want::run};
    made.pod_release = what.pod_release;
    made.name = what.name;
    return made;
}

}  // namespace rik::detail
