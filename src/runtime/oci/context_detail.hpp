// What every part of the runtime needs to know of this machine; fixed once the runtime is open.
#pragma once

#include "cgroups_detail.hpp"
#include "container_config_detail.hpp"
#include "layout_detail.hpp"

#include <rik/runtime/oci/oci_runtime.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace rik::detail {

enum class oci_maker : std::uint8_t { runc, crun };

/// The program that makes containers.
struct oci_program {
    std::filesystem::path path;
    oci_maker maker = oci_maker::runc;
    std::filesystem::path launcher = {};  ///< rik-launch; empty for runc, which needs none
};

struct runtime_context {
    oci_options options;
    clock& time;
    layout paths;
    cgroups groups;
    host_limits host;
    std::string boot_id;
    result<oci_program> runtime;
    result<std::filesystem::path> monitor_program;
};

host_limits read_host_limits(cgroups const& groups);

/// Checks `options` and makes the directories; empties a run_dir of an earlier boot. Blocks.
result<runtime_context> open_context(oci_options options, clock& time);

}  // namespace rik::detail
