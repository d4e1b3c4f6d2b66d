// The stored form of workloads and their releases.
#pragma once

#include <rik/base/id.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/state.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rik {

/// An immutable, numbered snapshot of a workload's template. Instances share it.
struct release {
    release_id id;
    workload_id workload;
    std::uint64_t number = 1;
    instance_template pod = {};
    resources requests = {};  ///< effective_requests(pod)
};

using release_ptr = std::shared_ptr<release const>;

struct workload {
    workload_id id;
    std::string tenant = "default";
    std::string name;
    workload_kind kind = workload_kind::pod;
    string_map labels = {};
    string_map annotations = {};
    std::uint32_t replicas = 1;   ///< for bare kinds kept and not acted on
    std::string definition = {};  ///< canonical JSON
    release_id current_release = {};
    wall_time created_at = {};
    std::uint64_t generation = 1;
    std::optional<wall_time> deleting_since = {};

    workload_state state() const { return deleting_since ? workload_state::destroying : workload_state::active; }
};

}  // namespace rik
