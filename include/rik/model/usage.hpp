// What instances use of their machine.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rik {

struct container_usage {
    std::string name;
    duration cpu_time = {};          ///< of all its processes since its start
    std::int64_t memory_bytes = 0;   ///< the working set: what the kernel could not take back at once
    std::int64_t process_count = 0;  ///< threads, too
    std::int64_t written_bytes = 0;  ///< on disk in its own file system, and in its logs
    friend bool operator==(container_usage const&, container_usage const&) = default;
};

struct volume_usage {
    std::string name;
    std::int64_t bytes = 0;
    friend bool operator==(volume_usage const&, volume_usage const&) = default;
};

/// All that an instance uses at one moment.
struct instance_usage {
    instance_id instance;
    wall_time at = {};
    std::vector<container_usage> containers = {};
    std::vector<volume_usage> volumes = {};
    std::int64_t received_bytes = 0;  ///< on its network, since it has one; 0 on the host's
    std::int64_t sent_bytes = 0;
    friend bool operator==(instance_usage const&, instance_usage const&) = default;
};

}  // namespace rik
