// What instances use, as the kernel counts it: by reading files only, a few for each container.
#pragma once

#include "context_detail.hpp"

#include <rik/model/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

/// Where something is written that has to be looked for file by file, and where its size belongs.
struct written_directory {
    std::filesystem::path path;
    std::size_t container = 0;  ///< of `instance_usage::containers`, if it is no volume
    std::size_t volume = 0;     ///< of `instance_usage::volumes`, if it is one
    bool is_volume = false;
};

struct instance_reading {
    instance_usage usage;
    std::vector<written_directory> written;
    std::vector<std::int64_t> written_bytes = {};  ///< of each container, beside its logs
};

std::vector<instance_usage> usage_of(std::vector<instance_reading> read);

/// All but what is in `written`; without those that are not here. Of a container the newest attempt counts. Blocks.
std::vector<instance_reading> read_usage(runtime_context const& on, std::vector<instance_id> const& of);

struct network_bytes {
    std::int64_t received = 0;
    std::int64_t sent = 0;
    friend bool operator==(network_bytes const&, network_bytes const&) = default;
};

/// The sum of all interfaces but the loopback one.   Source: man proc_pid_net, /proc/net/dev
network_bytes parse_network_bytes(std::string_view net_dev);

}  // namespace rik::detail
