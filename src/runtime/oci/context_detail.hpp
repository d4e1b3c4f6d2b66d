// What every part of the runtime needs to know of this machine; fixed once the runtime is open.
#pragma once

#include "cgroups_detail.hpp"
#include "container_config_detail.hpp"
#include "layout_detail.hpp"

#include <rik/runtime/oci/oci_runtime.hpp>

#include <filesystem>
#include <string>

namespace rik::detail {

struct runtime_context {
    oci_options options;
    clock& time;
    layout paths;
    cgroups groups;
    host_limits host;
    std::string boot_id;
    result<std::filesystem::path> runtime_program;
    result<std::filesystem::path> monitor_program;
};

host_limits read_host_limits(cgroups const& groups);

/// Checks `options` and makes the directories; empties a run_dir of an earlier boot. Blocks.
result<runtime_context> open_context(oci_options options, clock& time);

}  // namespace rik::detail
