#include <rik/model/node_metrics.hpp>

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace rik {

namespace {

constexpr double cpu_step_percent = 10;
constexpr std::int64_t memory_steps = 20;
constexpr std::int64_t disk_steps = 100;
constexpr std::int64_t mebibyte = 1 << 20;

bool is_a_step(std::int64_t before, std::int64_t now, std::int64_t total, std::int64_t steps) {
    return std::llabs(before - now) > total / steps;
}

bool have_changed(disk_metrics const& before, disk_metrics const& now) {
    return before.name != now.name || before.total_bytes != now.total_bytes ||
           is_a_step(before.free_bytes, now.free_bytes, now.total_bytes, disk_steps);
}

}  // namespace

bool differs_by_a_step(node_metrics const& before, node_metrics const& now) {
    if (before.cpu_total != now.cpu_total || before.memory_total_bytes != now.memory_total_bytes) return true;
    if (std::abs(before.cpu_free_percent - now.cpu_free_percent) > cpu_step_percent) return true;
    if (is_a_step(before.memory_free_bytes, now.memory_free_bytes, now.memory_total_bytes, memory_steps)) return true;
    if (before.disks.size() != now.disks.size()) return true;
    for (std::size_t i = 0; i < now.disks.size(); ++i)
        if (have_changed(before.disks[i], now.disks[i])) return true;
    return false;
}

std::vector<node_trouble> find_pressure(node_metrics const& now, disk_metrics const& of_state) {
    std::vector<node_trouble> found;
    if (now.memory_total_bytes > 0 && now.memory_free_bytes < limits::pressure_memory_bytes)
        found.push_back({"MemoryPressure", fmt::format("only {} MiB of memory are left on the machine: end something there",
                                                       now.memory_free_bytes / mebibyte)});
    if (of_state.total_bytes > 0 && of_state.free_bytes < limits::pressure_disk_bytes)
        found.push_back({"DiskPressure",
                         fmt::format("only {} MiB are left on {}, where images and logs are: remove images, or other files",
                                     of_state.free_bytes / mebibyte, of_state.name)});
    return found;
}

}  // namespace rik
