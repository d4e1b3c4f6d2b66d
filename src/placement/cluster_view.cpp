#include <rik/placement/placement.hpp>

#include "node_index_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik {

namespace {

/// What is not free of `total`, in eighths, rounded down; 0 if that makes no sense.
std::int64_t used_eighths(double free, double total) {
    if (!(total > 0) || !(free >= 0) || free > total) return 0;
    return static_cast<std::int64_t>((total - free) * 8 / total);
}

}  // namespace

std::int64_t load_eighths_of(node_metrics const& now) {
    auto const memory_free = static_cast<double>(now.memory_free_bytes);
    return std::max(now.cpu_total > 0 ? used_eighths(now.cpu_free_percent, 100) : 0,
                    used_eighths(memory_free, static_cast<double>(now.memory_total_bytes)));
}

void candidate::reserve(release const& asked, instance_id const& holder, std::uint16_t exposed_port) {
    reserved.add(asked.requests);
    ++held_of[asked.id];
    for (auto& port : host_ports(asked.spec(), exposed_port)) host_ports_reserved.push_back({std::move(port), holder});
}

void candidate::unreserve(release const& asked, instance_id const& holder) {
    reserved.subtract(asked.requests);
    if (auto const alike = held_of.find(asked.id); alike != held_of.end() && --alike->second == 0) held_of.erase(alike);
    std::erase_if(host_ports_reserved, [&](reserved_port const& each) { return each.holder == holder; });
}

candidate candidate_of(node_id const& id, node_facts const& facts) {
    candidate made{.id = id, .name = facts.name, .capacity = facts.capacity};
    made.runtimes = facts.runtimes;
    made.missing_runtimes = facts.missing_runtimes;
    made.troubles = facts.troubles;
    made.labels = facts.labels;
    made.addresses = facts.addresses;
    made.version = facts.version;
    return made;
}

candidate candidate_of(node const& row) {
    auto made = candidate_of(row.id, row.facts);
    made.standing = row.standing;
    made.labels = row.labels;
    return made;
}

cluster_view::cluster_view() = default;
cluster_view::cluster_view(cluster_view const& other) : nodes_(other.nodes_), reservations_(other.reservations_) {}
cluster_view::cluster_view(cluster_view&& other) noexcept = default;
cluster_view::~cluster_view() = default;

cluster_view& cluster_view::operator=(cluster_view other) noexcept {
    nodes_ = std::move(other.nodes_);
    reservations_ = std::move(other.reservations_);
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
    auto reserved = std::move(node.reserved);
    auto host_ports_reserved = std::move(node.host_ports_reserved);
    auto held_of = std::move(node.held_of);
    node = facts;
    node.reserved = std::move(reserved);
    node.held_of = std::move(held_of);
    node.host_ports_reserved = std::move(host_ports_reserved);
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

void cluster_view::set_load(node_id const& node, std::int64_t load_eighths) {
    auto const found = nodes_.find(node);
    if (found == nodes_.end() || found->second.load_eighths == load_eighths) return;
    found->second.load_eighths = load_eighths;
    note_change(node);
}

void cluster_view::set_standing(node_id const& node, node_standing standing, string_map labels) {
    auto const found = nodes_.find(node);
    if (found == nodes_.end()) return;
    found->second.standing = std::move(standing);
    found->second.labels = std::move(labels);
    note_change(node);
}

void cluster_view::remove_node(node_id const& node) {
    if (nodes_.erase(node) == 0) return;
    reservations_.erase_if([&](reservation const& each) { return each.node == node; });
    index_.reset();  // it follows changes of nodes that stay
}

void cluster_view::reserve(instance_id const& instance, node_id const& node, release_ptr asked,
                           std::uint16_t exposed_port) {
    auto const* const held = reservations_.find(instance);
    if (held != nullptr && held->node == node && held->asked == asked && held->exposed_port == exposed_port) return;
    unreserve(instance);
    auto& holder = nodes_[node];
    if (holder.id.is_nil()) {
        holder.id = node;
        holder.is_ready = false;
    }
    holder.reserve(*asked, instance, exposed_port);
    note_change(node);
    reservations_[instance] = {node, std::move(asked), exposed_port};
}

bool cluster_view::unreserve(instance_id const& instance) {
    auto const* const held = reservations_.find(instance);
    if (held == nullptr) return false;
    nodes_[held->node].unreserve(*held->asked, instance);
    note_change(held->node);
    reservations_.erase(instance);
    return true;
}

candidate const* cluster_view::find(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

}  // namespace rik
