// What instances use, as the kernel counts it: by reading files only, a few for each container.
#pragma once

#include "context_detail.hpp"

#include <rik/model/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace rik::detail {

/// Where something is written that has to be looked for file by file, and where its size belongs.
struct written_directory {
    std::string path;
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

/// Where what an instance uses is to be read: what does not change from one look to the next is found once.
class usage_place {
public:
    struct volume {
        std::string name;
        std::string path;
    };

    usage_place(runtime_context const& on, instance_id const& of);
    /// All but what is in `written`; nullopt if the instance is not here. Of a container the newest attempt counts. The
    /// files of so many containers may stay open. Blocks.
    std::optional<instance_reading> read(std::size_t& open_groups_left);

    time_point looked_at = {};

private:
    struct container {
        std::string name;
        std::uint32_t attempt = 0;
        std::string upper;
        std::string log;
        std::string pid_file;
        group_meter group;
        pid_t pid = 0;  ///< of its first process, once that was found
    };
    void look_around(wall_time now);
    container find_container(std::string const& name, std::uint32_t attempt) const;
    void add_containers(instance_reading& to, std::size_t& open_groups_left, bool has_host_network);

    runtime_context const& on_;
    instance_id of_;
    std::string ready_;
    std::string containers_in_;
    std::optional<wall_time> known_as_of_;  // of this time of the directory of containers is what follows
    std::vector<container> containers_;
    std::vector<volume> in_memory_;
    std::vector<volume> on_disk_;
};

/// Looks at instances again and again. One thread at a time.
class usage_reader {
public:
    explicit usage_reader(runtime_context const& on);
    /// Without those that are not here. Blocks.
    std::vector<instance_reading> read(std::vector<instance_id> const& of);

private:
    runtime_context const& on_;
    std::size_t open_groups_max_;
    std::map<instance_id, usage_place> places_;
};

struct network_bytes {
    std::int64_t received = 0;
    std::int64_t sent = 0;
    friend bool operator==(network_bytes const&, network_bytes const&) = default;
};

/// The sum of all interfaces but the loopback one.   Source: man proc_pid_net, /proc/net/dev
network_bytes parse_network_bytes(std::string_view net_dev);

}  // namespace rik::detail
