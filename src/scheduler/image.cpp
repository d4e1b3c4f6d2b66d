#include "image_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

std::vector<item> scheduler_image::apply(facts const& news, bool is_first) {
    if (is_first) {
        std::set<instance_id> named;
        for (auto const& each : news.items) named.insert(each.instance);
        std::vector<instance_id> unnamed;
        for (auto const& [id, old] : items_)
            if (!named.contains(id)) unnamed.push_back(id);
        for (auto const& id : unnamed) forget(id);
        nodes_.clear();
    }
    for (auto const& id : news.removed) forget(id);
    for (auto const& each : news.nodes) nodes_[each.node] = each;
    for (auto const& each : news.items) take(each);
    at_ = news.at;
    cluster_ = news.cluster;
    cluster_cidr_ = news.cluster_cidr;
    is_complete_ = true;
    return news.items;
}

void scheduler_image::take(item const& news) {
    if (auto const old = items_.find(news.instance); old != items_.end()) unlink(old->second);
    items_[news.instance] = news;
    if (news.want == item_want::place) {
        view_.release(news.instance);
        auto const [waiting, is_new] = pending_.try_emplace(news.instance);
        if (is_new) waiting->second.arrival = ++arrivals_;
        waiting->second.is_refused = std::exchange(waiting->second.is_proposed, false);
        return;
    }
    pending_.erase(news.instance);
    by_node_[news.node].insert(news.instance);
    if (news.is_finished) return view_.release(news.instance);
    view_.hold(news.instance, news.node, news.pod_release);
}

void scheduler_image::forget(instance_id const& instance) {
    if (auto const old = items_.find(instance); old != items_.end()) {
        unlink(old->second);
        items_.erase(old);
    }
    pending_.erase(instance);
    view_.release(instance);
}

void scheduler_image::unlink(item const& old) {
    if (auto const found = by_node_.find(old.node); found != by_node_.end()) found->second.erase(old.instance);
}

registered_node const* scheduler_image::find_node(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

void scheduler_image::set_node(node_id const& node, node_facts const& facts) {
    candidate offered{.id = node, .name = facts.name, .is_ready = false, .capacity = facts.capacity};
    offered.runtimes = facts.runtimes;
    view_.set_node(offered);
}

placement scheduler_image::place(placement_policy const& policy) {
    std::vector<std::pair<std::uint64_t, instance_id>> waiting;
    for (auto const& [id, state] : pending_)
        if (!state.is_proposed && !state.is_refused) waiting.emplace_back(state.arrival, id);
    std::sort(waiting.begin(), waiting.end());
    std::vector<place_request> requests;
    requests.reserve(waiting.size());
    for (auto const& [arrival, id] : waiting) requests.push_back({id, items_.at(id).pod_release});

    auto decided = rik::place(view_, requests, policy);
    for (auto const& each : decided.placed) {
        auto& state = pending_.at(each.instance);
        state.is_proposed = true;
        state.reason.clear();
        view_.hold(each.instance, each.node, items_.at(each.instance).pod_release);
    }
    for (auto& group : decided.unplaced) {
        std::erase_if(group.instances, [&](instance_id const& id) {
            return std::exchange(pending_.at(id).reason, group.reason) == group.reason;
        });
    }
    std::erase_if(decided.unplaced, [](placement_failure const& group) { return group.instances.empty(); });
    return decided;
}

void scheduler_image::forget_proposals() {
    for (auto& [id, state] : pending_) {
        if (state.is_proposed) view_.release(id);
        state = pending{.arrival = state.arrival};
    }
}

bool scheduler_image::retry_refused() {
    bool any = false;
    for (auto& [id, state] : pending_) any |= std::exchange(state.is_refused, false);
    return any;
}

std::vector<order> scheduler_image::due(node_id const& node, std::vector<held_instance> const& inventory) const {
    std::set<instance_id> held;
    for (auto const& each : inventory) held.insert(each.instance);
    std::vector<order> orders;
    auto const bound = by_node_.find(node);
    if (bound != by_node_.end()) {
        for (auto const& id : bound->second) {
            auto const& known = items_.at(id);
            auto const is_missing = !held.contains(id) && !known.is_finished;
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
