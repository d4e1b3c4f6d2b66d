#include <rik/placement/placement.hpp>

#include <algorithm>
#include <utility>

namespace rik {

void cluster_view::set_node(candidate const& facts) {
    auto& node = nodes_[facts.id];
    auto taken = std::move(node.taken);
    auto host_ports_taken = std::move(node.host_ports_taken);
    node = facts;
    node.taken = std::move(taken);
    node.host_ports_taken = std::move(host_ports_taken);
}

void cluster_view::set_ready(node_id const& node, bool is_ready) {
    if (auto const found = nodes_.find(node); found != nodes_.end()) found->second.is_ready = is_ready;
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
    holder.taken.add(asked->requests);
    for (auto& port : host_ports(asked->pod)) holder.host_ports_taken.push_back(std::move(port));
    holdings_.emplace(instance, holding{node, std::move(asked)});
}

void cluster_view::release(instance_id const& instance) {
    auto const held = holdings_.find(instance);
    if (held == holdings_.end()) return;
    auto& holder = nodes_[held->second.node];
    holder.taken.subtract(held->second.asked->requests);
    auto& ports = holder.host_ports_taken;
    for (auto const& port : host_ports(held->second.asked->pod))
        if (auto const found = std::find(ports.begin(), ports.end(), port); found != ports.end()) ports.erase(found);
    holdings_.erase(held);
}

void cluster_view::clear() {
    nodes_.clear();
    holdings_.clear();
}

candidate const* cluster_view::find(node_id const& node) const {
    auto const found = nodes_.find(node);
    return found == nodes_.end() ? nullptr : &found->second;
}

std::optional<node_id> cluster_view::holder(instance_id const& instance) const {
    auto const found = holdings_.find(instance);
    if (found == holdings_.end()) return std::nullopt;
    return found->second.node;
}

}  // namespace rik
