#include "impl_detail.hpp"

namespace rik {

namespace {

result<void> check_ready(bool has_primary, bool is_complete) {
    if (!has_primary) return error{errc::unavailable, "no primary is connected"};
    if (!is_complete) return error{errc::unavailable, "the primary has not told everything yet"};
    return {};
}

}  // namespace

role_health scheduler::impl::health() const {
    auto const has_primary = primary_ != nullptr;
    role_health made{.ready = check_ready(has_primary, cache_.is_complete())};
    auto const add = [&made](char const* name, char const* help, auto value) {
        made.metrics.push_back(make_gauge(name, help, static_cast<double>(value)));
    };
    add("rik_scheduler_primary_connected", "1 while a primary is connected.", has_primary ? 1 : 0);
    add("rik_scheduler_revision", "The primary's revision that the scheduler knows.", cache_.at());
    add("rik_scheduler_nodes", "Nodes that are registered.", cache_.nodes().size());
    add("rik_scheduler_nodes_connected", "Nodes in session.", peers_.size());
    add("rik_scheduler_instances", "Instances that the scheduler knows.", cache_.instance_count());
    add("rik_scheduler_instances_pending", "Instances that have no node yet.", cache_.pending_count());
    metric cpu{.name = "rik_scheduler_node_cpu_free_percent", .help = "Idle share of all processors of a node."};
    metric memory{.name = "rik_scheduler_node_memory_free_bytes",
                  .help = "Memory of a node that new programs can have."};
    for (auto const& [id, peer] : peers_) {
        if (!peer->metrics) continue;
        cpu.samples.push_back({peer->metrics->cpu_free_percent, {{"node", peer->greeting.facts.name}}});
        memory.samples.push_back(
            {static_cast<double>(peer->metrics->memory_free_bytes), {{"node", peer->greeting.facts.name}}});
    }
    if (cpu.samples.empty()) return made;
    made.metrics.push_back(std::move(cpu));
    made.metrics.push_back(std::move(memory));
    return made;
}

role_health scheduler::health() const { return impl_->health(); }

}  // namespace rik
