// What is in use on a node's machine, as the node measures it. It is told, and not stored.
#pragma once

#include <rik/base/time.hpp>
#include <rik/model/node.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rik {

struct disk_metrics {
    std::string name;  ///< of its device: "/dev/sda1"
    std::int64_t total_bytes = 0;
    std::int64_t free_bytes = 0;  ///< for whoever is not root
    friend bool operator==(disk_metrics const&, disk_metrics const&) = default;
};

/// Source: riklet-architecture.md, "Node metrics"
struct node_metrics {
    std::int64_t cpu_total = 0;   ///< cores
    double cpu_free_percent = 0;  ///< the idle share of all cores
    std::int64_t memory_total_bytes = 0;
    std::int64_t memory_free_bytes = 0;    ///< what new programs can have: free, and what can be taken back at once
    std::vector<disk_metrics> disks = {};  ///< by name
    wall_time measured_at = {};            ///< by the node's clock
    friend bool operator==(node_metrics const&, node_metrics const&) = default;
};

/// Returns true if something has changed by more than a step since `before`: a tenth of the processors, a twentieth of
/// the memory, a hundredth of a disk, or the disks themselves. Smaller changes are told on a slow period only.
bool differs_by_a_step(node_metrics const& before, node_metrics const& now);

/// What keeps a machine from taking more instances, whatever they ask for: MemoryPressure, less than
/// limits::pressure_memory_bytes left; DiskPressure, of the file system `of_state` less than
/// limits::pressure_disk_bytes.   Source: Kubernetes, "Node-pressure Eviction"
std::vector<node_trouble> find_pressure(node_metrics const& now, disk_metrics const& of_state);

}  // namespace rik
