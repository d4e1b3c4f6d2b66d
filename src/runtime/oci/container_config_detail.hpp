// The config.json of a container: pure.
#pragma once

#include "cgroups_detail.hpp"
#include "layout_detail.hpp"
#include "users_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/model/references.hpp>
#include <rik/runtime/runtime.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace rik::detail {

/// What this process may hand on: root in a container of its own (or of systemd) may lack capabilities.
struct host_limits {
    std::uint64_t open_files_max = 1024;             ///< our own hard limit
    int oom_score_adj = 0;                           ///< our own; only raising it needs no capability
    std::uint64_t capabilities = ~std::uint64_t{0};  ///< a bit each, as in /proc/PID/status
    std::int64_t memory_bytes = 0;                   ///< of the machine
    bool limits_swap = false;
    std::uint64_t stack_bytes_max = 8u << 20;  ///< our own limit, which containers inherit
};

/// A place in a volume, and where a container finds it.
struct mounted_volume {
    std::filesystem::path source;
    std::string path;
    bool is_read_only = false;
};

struct config_input {
    container_request const& request;
    container_user const& user;
    pod_paths const& pod;
    container_paths const& container;
    std::vector<mounted_volume> mounts;
    host_limits const& host;
    std::string hostname;
    bool has_host_network = false;
    std::int64_t processes_max = 4096;
};

/// What to run.   Source: Kubernetes, "Define a Command and Arguments for a Container".
/// Errors: invalid, neither the definition nor the image says what.
result<std::vector<std::string>> merged_arguments(expanded_texts const& written, image_config const& image);

/// Shares from the request, a quota from the limit, as in Kubernetes. Not part of config.json: there they would slow
/// runc down, whose work in the container's cgroup takes 3 to 4 times as long on a busy machine with the least shares.
/// They are set when it has done that, before the container's program begins.
cpu_limits cpu_limits_of(container_definition const& definition);

/// Source: OCI runtime-spec, config.md and config-linux.md. Errors: invalid.
result<boost::json::object> container_config(config_input const& input);

}  // namespace rik::detail
