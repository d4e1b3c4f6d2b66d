#include "cache_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

held_state believed(item const& of) {
    auto const is_condemned = of.want == item_want::destroy;
    return {of.fence, is_condemned ? instance_state::destroying : of.state, of.seq};
}

/// What its node must hear again, as it may have heard it and lost it: that it goes, is started again in place, or may
/// begin.
bool is_told_again(item const& of) {
    return of.want == item_want::destroy || of.restarts > 0 || !of.permitted_boot.empty();
}

/// Its node has its release, or its inventory will show that it lacks the instance.
order again(item const& what) {
    auto made = scheduler_cache::order_for(what);
    made.made_from = made.run ? nullptr : made.made_from;
    return made;
}

/// The order that it goes.
item item_of(remnant const& from, node_id const& on) {
    return {.instance = from.instance, .want = item_want::destroy, .node = on, .fence = from.fence};
}

}  // namespace

std::vector<item> scheduler_cache::apply(facts const& news) {
    std::vector<item> due;
    if (news.everything) forget_unnamed(news);
    for (auto const& id : news.removed) forget(id);
    for (auto const& id : news.refused) set_refused(id);
    for (auto const& id : news.removed_nodes) remove_node(id);
    for (auto const& each : news.nodes) set_registered(each, due);
    for (auto const& each : news.items)
        if (set_item(each)) due.push_back(each);
    at_ = news.at;
    cluster_ = news.cluster;
    cluster_cidr_ = news.cluster_cidr;
    is_complete_ = is_complete_ || news.everything;
    return due;
}

void scheduler_cache::forget_unnamed(facts const& named) {
    std::set<instance_id> kept;
    for (auto const& each : named.items) kept.insert(each.instance);
    auto const known = items_.ids();
    for (auto const& id : known)
        if (!kept.contains(id)) forget(id);
    auto unnamed_nodes = std::exchange(nodes_, {});
    for (auto const& each : named.nodes) unnamed_nodes.erase(each.node);
    for (auto const& [id, old] : unnamed_nodes) remove_node(id);
}

void scheduler_cache::remove_node(node_id const& node) {
    nodes_.erase(node);
    view_.remove_node(node);
    nodes_changed_ = true;
}

bool scheduler_cache::set_item(item const& news) {
    auto const* const old = items_.find(news.instance);
    auto const is_known = old != nullptr && old->want == news.want && old->fence == news.fence &&
                          old->restarts >= news.restarts &&
                          (news.permitted_boot.empty() || old->permitted_boot == news.permitted_boot);
    if (old != nullptr) remove_from_node(*old);
    items_[news.instance] = news;
    if (news.want == item_want::place) {
        auto const [waiting, is_new] = pending_.try_emplace(news.instance);
        if (!is_new) return false;
        waiting->second.at = ++arrivals_;
        enqueue(news.instance, waiting->second);
        return false;
    }
    end_waiting(news.instance);
    add_to_node(news);
    if (news.occupies_room)
        view_.reserve(news.instance, news.node, news.made_from, news.exposed_port);
    else
        unreserve(news.instance);
    return !is_known && (news.want == item_want::destroy || news.occupies_room);
}

/// One that has not said Hello counts among those that are not ready, with its name.
void scheduler_cache::set_registered(registered_node const& news, std::vector<item>& due) {
    auto& known = nodes_[news.node];
    for (auto const& each : news.remnants)
        if (std::ranges::find(known.remnants, each) == known.remnants.end()) due.push_back(item_of(each, news.node));
    known = news;
    auto const* seen = view_.find(news.node);
    if (seen == nullptr || seen->name.empty()) {
        view_.set_node(candidate{.id = news.node, .name = news.name, .is_ready = false});
        nodes_changed_ = true;
        seen = view_.find(news.node);
    }
    if (seen->standing == news.standing && seen->labels == news.labels) return;
    view_.set_standing(news.node, news.standing, news.labels);
    nodes_changed_ = true;
}

void scheduler_cache::set_refused(instance_id const& instance) {
    auto const waiting = pending_.find(instance);
    if (waiting == pending_.end() || waiting->second.made != decision::proposed) return;
    waiting->second.made = decision::refused;
    refused_.insert(instance);
    unreserve(instance);
}

void scheduler_cache::forget(instance_id const& instance) {
    if (auto const* const old = items_.find(instance)) {
        remove_from_node(*old);
        items_.erase(instance);
    }
    end_waiting(instance);
    unreserve(instance);
}

void scheduler_cache::unreserve(instance_id const& instance) { nodes_changed_ |= view_.unreserve(instance); }

std::map<scheduler_cache::arrival, instance_id>& scheduler_cache::queue::of_oldest() {
    if (told.empty()) return untold;
    return untold.empty() || told.begin()->first < untold.begin()->first ? told : untold;
}

void scheduler_cache::queue::forget_told() {
    if (untold.empty())
        untold.swap(told);
    else
        untold.merge(told);
}

void scheduler_cache::enqueue(instance_id const& instance, pending& state) {
    state.made = decision::waiting;
    state.waits_in = queues_.try_emplace(demand_of(*items_.at(instance).made_from, policy_)).first;
    auto& all = state.waits_in->second;
    all.untold.emplace(state.at, instance);
    set_due(state.waits_in, true);
}

void scheduler_cache::dequeue(pending const& state) {
    auto& all = state.waits_in->second;
    all.untold.erase(state.at);
    all.told.erase(state.at);
    set_due(state.waits_in, all.due.has_value());
    if (all.empty()) queues_.erase(state.waits_in);
}

void scheduler_cache::end_waiting(instance_id const& instance) {
    auto const waiting = pending_.find(instance);
    if (waiting == pending_.end()) return;
    if (waiting->second.made == decision::waiting) dequeue(waiting->second);
    refused_.erase(instance);
    pending_.erase(waiting);
}

void scheduler_cache::set_due(queues::iterator which, bool is_due) {
    auto& all = which->second;
    if (all.due) due_.erase(*std::exchange(all.due, std::nullopt));
    if (!is_due || all.empty()) return;
    all.due = turn{-std::int64_t{which->first.priority}, all.of_oldest().begin()->first};
    due_.emplace(*all.due, which);
}

void scheduler_cache::add_to_node(item const& news) {
    auto& on = by_node_[news.node];
    on.all.insert(news.instance);
    on.digest.add(news.instance, believed(news));
}

void scheduler_cache::remove_from_node(item const& old) {
    auto const on = by_node_.find(old.node);
    if (on == by_node_.end() || on->second.all.erase(old.instance) == 0) return;
    on->second.digest.remove(old.instance, believed(old));
}

held_digest scheduler_cache::digest_of(node_id const& node) const {
    auto const on = by_node_.find(node);
    return on == by_node_.end() ? held_digest() : on->second.digest;
}

registered_node const* scheduler_cache::find_node(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

void scheduler_cache::set_node(node_id const& node, node_facts const& facts) {
    auto offered = candidate_of(node, facts);
    offered.is_ready = false;
    if (auto const* const before = view_.find(node)) offered.load_eighths = before->load_eighths;
    if (auto const* const known = find_node(node)) {
        offered.standing = known->standing;
        offered.labels = known->labels;
    }
    view_.set_node(offered);
    nodes_changed_ = true;
}

void scheduler_cache::set_ready(node_id const& node, bool is_ready) {
    view_.set_ready(node, is_ready);
    nodes_changed_ = true;
}

void scheduler_cache::set_troubles(node_id const& node, std::vector<node_trouble> troubles) {
    view_.set_troubles(node, std::move(troubles));
    nodes_changed_ = true;
}

/// Where something fits does not depend on it, so what fits nowhere is not tried again.
void scheduler_cache::set_load(node_id const& node, node_metrics const& now) {
    view_.set_load(node, load_eighths_of(now));
}

placement scheduler_cache::place(std::size_t count_max) {
    if (std::exchange(nodes_changed_, false))
        for (auto each = queues_.begin(); each != queues_.end(); ++each) set_due(each, true);
    if (due_.empty()) return {};
    auto decided = decide(count_max);
    for (auto const& each : decided.placed) view_.reserve(each.instance, each.node, items_.at(each.instance).made_from);
    return decided;
}

placement scheduler_cache::decide(std::size_t count_max) {
    instance_names const names = [this](instance_id const& id) { return name_of(id); };
    placement_run run(view_, policy_, names);
    placement decided;
    std::vector<queues::iterator> half_told;
    for (std::size_t tries = 0, told = 0; !due_.empty() && tries < count_max; ++tries) {
        auto const first = due_.begin()->second;
        auto const oldest = first->second.of_oldest().begin()->second;
        auto const made = run.place({oldest, items_.at(oldest).made_from});
        if (made.node) {
            decided.placed.push_back({oldest, *made.node});
            propose(oldest);
            continue;
        }
        set_due(first, false);
        if (mutes_failures_) continue;
        auto failure = fail(first->second, *made.failure, count_max - told);
        told += failure.instances.size();
        if (!failure.instances.empty()) decided.unplaced.push_back(std::move(failure));
        if (!first->second.untold.empty()) half_told.push_back(first);
    }
    for (auto const& each : half_told) set_due(each, true);
    return decided;
}

void scheduler_cache::propose(instance_id const& instance) {
    auto& state = pending_.at(instance);
    dequeue(state);
    state.made = decision::proposed;
}

placement_failure scheduler_cache::fail(queue& all, placement_failure const& why, std::size_t count_max) {
    if (all.last_causes != why.causes || all.last_holders != why.holders) all.forget_told();
    all.last_causes = why.causes;
    all.last_holders = why.holders;
    placement_failure news{.instances = {}, .causes = why.causes, .holders = why.holders, .reason = why.reason};
    while (!all.untold.empty() && news.instances.size() < count_max) {
        auto next = all.untold.extract(all.untold.begin());
        news.instances.push_back(next.mapped());
        all.told.insert(std::move(next));
    }
    return news;
}

std::string scheduler_cache::name_of(instance_id const& instance) const {
    auto const* const known = items_.find(instance);
    if (known == nullptr) return {};
    return known->workload.empty() ? known->name : known->name + " of workload " + known->workload;
}

void scheduler_cache::tell_failures() { nodes_changed_ |= std::exchange(mutes_failures_, false); }

void scheduler_cache::forget_decisions() {
    for (auto each = queues_.begin(); each != queues_.end(); ++each) {
        each->second.forget_told();
        set_due(each, true);
    }
    for (auto& [id, state] : pending_) {
        if (state.made == decision::proposed) unreserve(id);
        if (state.made != decision::waiting) enqueue(id, state);
    }
    refused_.clear();
}

void scheduler_cache::retry_refused() {
    for (auto const& id : refused_) enqueue(id, pending_.at(id));
    refused_.clear();
}

std::vector<order> scheduler_cache::due(node_id const& node) const {
    std::vector<order> orders;
    auto const bound = by_node_.find(node);
    if (bound != by_node_.end())
        for (auto const& id : bound->second.all)
            if (auto const& known = items_.at(id); is_told_again(known)) orders.push_back(again(known));
    if (auto const* const known = find_node(node))
        for (auto const& each : known->remnants) orders.push_back(order_for(item_of(each, node)));
    return orders;
}

std::vector<order> scheduler_cache::due(node_id const& node, std::map<instance_id, revision> const& inventory) const {
    auto orders = due(node);
    auto const bound = by_node_.find(node);
    std::set<instance_id> const none;
    auto const& ours = bound == by_node_.end() ? none : bound->second.all;
    for (auto const& id : ours) {
        auto const& known = items_.at(id);
        if (known.want == item_want::run && known.occupies_room && !inventory.contains(id))
            orders.push_back(order_for(known));
    }
    // With a fence above our revision it is we who do not know yet.
    for (auto const& [id, fence] : inventory)
        if (!ours.contains(id) && fence <= at_) orders.push_back({.instance = id, .fence = fence, .run = false});
    return orders;
}

order scheduler_cache::order_for(item const& what) {
    order made{.instance = what.instance, .fence = what.fence, .run = what.want == item_want::run};
    made.made_from = what.made_from;
    made.name = what.name;
    made.restarts = what.restarts;
    made.exposed_port = what.exposed_port;
    made.index = what.index;
    made.permitted_boot = what.permitted_boot;
    return made;
}

}  // namespace rik::detail
