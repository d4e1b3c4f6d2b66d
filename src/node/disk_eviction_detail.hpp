// Who goes when the disk of a node is nearly full: pure.
#pragma once

#include "status_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/node.hpp>
#include <rik/runtime/host.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// How many files a node keeps free: a twentieth of what its disk can have, and no more than an image or two take.
/// Source: Kubernetes, "Node-pressure Eviction", nodefs.inodesFree
std::int64_t pressure_files(std::int64_t total_files);

/// Whoever would give back less than this is not evicted: sixteen of them would not bring back what the node keeps
/// free, and a container that only does its work writes about so much (pid files, caches, settings).
inline constexpr std::int64_t eviction_bytes_min = limits::pressure_disk_bytes / 16;
/// The same of files.
std::int64_t eviction_files_min(std::int64_t total_files);

/// What keeps new instances away: DiskPressure, less is free than the node keeps free, of bytes or of files. Of what
/// the file system does not count nothing is said.
std::vector<node_trouble> find_disk_pressure(disk_room const& room);
/// So little is free that it could be used up between two looks at the machine.
bool is_scarce(disk_room const& room);

/// A container or a volume of an instance.
struct disk_part {
    std::string name;                ///< "container main", "volume data"
    disk_share held = {};            ///< what an eviction gives back
    std::int64_t log_bytes = 0;      ///< which stay
    std::int64_t request_bytes = 0;  ///< of a container
};

/// What an instance has on the disk.
struct disk_user {
    instance_id id;
    std::int32_t priority = 0;
    std::int64_t request_bytes = 0;
    std::vector<disk_part> parts = {};
    bool is_complete = true;  ///< false: it has more

    disk_share held() const;
    std::int64_t used_bytes() const;  ///< with its logs
};
disk_user user_of(instance_template const& pod, std::int64_t request_bytes, written_files const& written);

struct disk_eviction {
    instance_id id;
    instance_end how;
};
/// Who is to be evicted next; nullopt: there is enough room, or all that have much to give back would together not
/// bring back what the node keeps free, or somebody has more logs than whoever would go has to give back. Of bytes
/// those that use more than they requested go first, then those of the lowest priority, then those that use most beyond
/// their request; of files, if that is so for bytes, those of the lowest priority, then those with most files. Source:
/// Kubernetes, "Node-pressure Eviction"; pkg/kubelet/eviction, rankDiskPressureFunc
std::optional<disk_eviction> find_eviction(disk_room const& room, std::vector<disk_user> const& users);

/// Containers of a Pod that have ended, and keep so much on the disk that it is worth their removal.
std::vector<container_key> find_ended(disk_room const& room, std::vector<container_status> const& containers,
                                      written_files const& written);

}  // namespace rik::detail
