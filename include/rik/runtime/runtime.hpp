// What makes an instance real on a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/log.hpp>
#include <rik/runtime/images.hpp>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

/// One container of one instance; `attempt` counts its restarts. Paths, cgroups and names derive from it.
struct container_key {
    instance_id instance;
    std::string name;
    std::uint32_t attempt = 0;
    friend auto operator<=>(container_key const&, container_key const&) = default;
};

/// What the containers of an instance share: network, IPC and UTS namespaces, /dev/shm, a parent cgroup.
struct sandbox_request {
    instance_id instance;
    std::string hostname;
    std::vector<std::string> addresses;         ///< for /etc/hosts
    std::vector<std::string> dns_servers = {};  ///< empty: the host's resolv.conf
};

struct sandbox {
    std::filesystem::path network_namespace;  ///< a pinned namespace with its loopback up
};

struct container_request {
    container_key key;
    container_definition definition;
    image_ptr from;
    string_map environment = {};  ///< RIK's own variables, below the definition's
};

struct container_exit {
    int code = 0;                ///< 128 + n when signal n ended it
    bool code_known = true;      ///< false: whoever watched it died; it is gone, its code is lost
    bool out_of_memory = false;  ///< its first process was killed, and the kernel has killed for want of memory
    wall_time finished_at = {};
    std::uint64_t memory_kills = 0;     ///< of its processes, by the kernel, for want of memory
    std::int64_t memory_limit_hit = 0;  ///< its limit in bytes if it was met; 0: the memory of the machine was short
};

/// A container that is on this machine, whoever started it.
struct found_container {
    container_key key;
    bool running = false;
    std::optional<container_exit> exit = {};  ///< if it ran and has ended
    std::optional<wall_time> started_at = {};
};

struct found_sandbox {
    instance_id instance;
    std::filesystem::path network_namespace;
    bool is_whole = false;  ///< its namespaces are there; false: only to be removed
    std::vector<found_container> containers;
};

/// A container's output, in order of arrival per stream.
class log_reader {
public:
    virtual ~log_reader() = default;
    /// The next whole lines (or frames of whole lines), at most limits::log_chunk_bytes_max; empty at the end. When
    /// following: waits, and ends when the container has ended and all was read.
    virtual awaitable<result<std::string>> read() = 0;
};

/// Every verb is idempotent: called twice, or after a crash half way, it ends in the same state.
/// A cancelled call leaves nothing that `remove_sandbox` of the same instance would not remove.
class runtime {
public:
    virtual ~runtime() = default;

    virtual std::string_view name() const = 0;  ///< "oci", "microvm", "simulated"

    /// Errors: exhausted, the disk is full; internal.
    virtual awaitable<result<sandbox>> create_sandbox(sandbox_request request) = 0;
    /// Creates and starts. Errors: invalid, the program of the image cannot be run or the user does not exist;
    /// exhausted; timed_out; internal. After an error nothing of the container runs.
    virtual awaitable<result<void>> start_container(container_request request) = 0;
    /// Completes when the container has ended; at once if it has. Any number of callers; any time before its removal.
    /// Errors: not_found.
    virtual awaitable<result<container_exit>> wait_container(container_key key) = 0;
    /// Sends the image's stop signal (TERM by default). Errors: not_found, it does not run.
    virtual awaitable<result<void>> stop_container(container_key key) = 0;
    /// Kills every process of the container. Errors: not_found, it does not run.
    virtual awaitable<result<void>> kill_container(container_key key) = 0;
    /// Removes what the container has on this machine but for its logs, killing it if it runs.
    virtual awaitable<result<void>> remove_container(container_key key) = 0;
    /// Removes everything of the instance but its logs, for one that has ended: they can be read until remove_sandbox.
    virtual awaitable<result<void>> release_sandbox(instance_id instance) = 0;
    /// Removes everything of the instance: containers, logs, namespaces, mounts, cgroups, directories.
    virtual awaitable<result<void>> remove_sandbox(instance_id instance) = 0;
    /// All that is on this machine and made by this node (its state directory).
    virtual awaitable<result<std::vector<found_sandbox>>> list() = 0;
    /// Errors: not_found, there is no such container or it never wrote a log; exhausted, it must be whole and is not.
    virtual awaitable<result<std::unique_ptr<log_reader>>> open_log(container_key key, log_options options) = 0;
};

}  // namespace rik
