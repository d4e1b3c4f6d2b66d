#include <rik/placement/placement.hpp>

#include "node_index_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik {

void candidate::take(release const& asked, instance_id const& holder) {
    taken.add(asked.requests);
    for (auto& port : host_ports(asked.spec())) host_ports_taken.push_back({std::move(port), holder});
}

void candidate::give_back(release const& asked, instance_id const& holder) {
    taken.subtract(asked.requests);
    std::erase_if(host_ports_taken, [&](held_port const& each) { return each.holder == holder; });
}

candidate candidate_of(node_id const& id, node_facts const& facts) {
    candidate made{.id = id, .name = facts.name, .capacity = facts.capacity};
    made.runtimes = facts.runtimes;
    made.troubles = facts.troubles;
    made.labels = facts.labels;
    made.addresses = facts.addresses;
    made.version = facts.version;
    return made;
}

cluster_view::cluster_view() = default;
cluster_view::cluster_view(cluster_view const& other) : nodes_(other.nodes_), holdings_(other.holdings_) {}
cluster_view::cluster_view(cluster_view&& other) noexcept = default;
cluster_view::~cluster_view() = default;

cluster_view& cluster_view::operator=(cluster_view other) noexcept {
    nodes_ = std::move(other.nodes_);
    holdings_ = std::move(other.holdings_);
    index_ = std::move(other.index_);
    return *this;
}

void cluster_view::note_change(node_id const& node) {
    if (index_) index_->note_change(node);
}

detail::node_index& cluster_view::index() const {
    if (!index_) index_ = std::make_unique<detail::node_index>();
    index_->follow(nodes_);
    return *index_;
}

void cluster_view::set_node(candidate const& facts) {
    auto& node = nodes_[facts.id];
    auto taken = std::move(node.taken);
    auto host_ports_taken = std::move(node.host_ports_taken);
    node = facts;
    node.taken = std::move(taken);
    node.host_ports_taken = std::move(host_ports_taken);
    note_change(facts.id);
}

void cluster_view::set_ready(node_id const& node, bool is_ready) {
    auto const found = nodes_.find(node);
    if (found == nodes_.end()) return;
    found->second.is_ready = is_ready;
    note_change(node);
}

void cluster_view::set_troubles(node_id const& node, std::vector<node_trouble> troubles) {
    auto const found = nodes_.find(node);
    if (found == nodes_.end()) return;
    found->second.troubles = std::move(troubles);
    note_change(node);
}

void cluster_view::hold(instance_id const& instance, node_id const& node, release_ptr asked) {
    auto const held = holdings_.find(instance);
    if (held != holdings_.end() && held->second.node == node && held->second.asked == asked) return;
    release(instance);
    auto& holder = nodes_[node];
    if (holder.id.is_nil()) {
        holder.id = node;
        holder.is_ready = false;
    }
    holder.take(*asked, instance);
    note_change(node);
    holdings_.emplace(instance, holding{node, std::move(asked)});
}

bool cluster_view::release(instance_id const& instance) {
    auto const held = holdings_.find(instance);
    if (held == holdings_.end()) return false;
    nodes_[held->second.node].give_back(*held->second.asked, instance);
    note_change(held->second.node);
    holdings_.erase(held);
    return true;
}

candidate const* cluster_view::find(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

}  // namespace rik
