// What is in use on this machine, from the kernel's files.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/node_metrics.hpp>
#include <rik/runtime/host.hpp>
#include <rik/runtime/oci/linux_host.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// Source: man 5 proc, /proc/stat
result<cpu_times> parse_cpu_times(std::string_view stat);
/// The idle share between two readings, in percent; 100 if no time has passed.
double idle_percent(cpu_times const& before, cpu_times const& now);

struct memory_in_use {
    std::int64_t total_bytes = 0;
    std::int64_t available_bytes = 0;
};
/// Source: man 5 proc, /proc/meminfo
result<memory_in_use> parse_memory(std::string_view meminfo);

struct mounted_disk {
    std::string name;                 ///< "/dev/sda1"
    std::filesystem::path directory;  ///< somewhere on it
    friend bool operator==(mounted_disk const&, mounted_disk const&) = default;
};
/// Every file system on a device of this machine, once, by name.   Source: man 5 proc, /proc/[pid]/mountinfo
std::vector<mounted_disk> parse_disks(std::string_view mountinfo);

/// Of the file system of `directory`, which may not be there yet: then of what it will be on.
result<disk_metrics> measure_disk(std::string name, std::filesystem::path directory);

/// The same with its files, named after `directory`.
result<disk_room> measure_room(std::filesystem::path const& directory);

/// All disks that can be measured, by name.
std::vector<disk_metrics> measure_disks(std::string_view mountinfo);

}  // namespace rik::detail
