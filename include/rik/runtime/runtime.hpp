// What runs an instance on a node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/id.hpp>
#include <rik/base/rare.hpp>
#include <rik/base/result.hpp>
#include <rik/model/container_log.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/machine_boot.hpp>
#include <rik/model/usage.hpp>
#include <rik/runtime/guest_network.hpp>
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
    std::vector<std::string> addresses;  ///< for /etc/hosts
    /// Empty: those of the host's resolv.conf that a Pod can reach.
    std::vector<std::string> dns_servers = {};
    dns_settings dns = {};
    std::vector<host_alias> host_aliases = {};
    /// Its containers are on the network of this process, and have the host's name, hosts and name servers.
    bool has_host_network = false;
    resources limits = {};  ///< cpu and memory that its containers share
    std::vector<volume_definition> volumes = {};
    std::optional<std::int64_t> volume_group = {};  ///< owns its volumes, and what is made in them (fsGroup)
};

struct sandbox {
    std::filesystem::path network_namespace;  ///< a pinned namespace with its loopback up; empty: the host's
    std::string warning = {};                 ///< for people: what its containers have to do without
    /// Its containers are machines: the network gives them a tap of the node, and nothing in the namespace.
    bool needs_tap = false;
};

struct container_request {
    container_key key;
    container_definition definition;  ///< all its variables have values: see resolve_variables
    image_ptr from;
    string_map environment = {};            ///< RIK's own variables; the definition's win
    std::vector<std::int64_t> groups = {};  ///< of its processes, beside those of the image
    string_map annotations = {};            ///< for who looks at its configuration
    /// What it asks for of what its Pod does. Who uses more goes first when the machine is short. 0: as it says itself.
    std::int64_t memory_request_bytes = 0;
    std::optional<guest_network> network = {};  ///< of a machine, see sandbox::needs_tap
};

/// What is known of a container once it runs.
struct container_start {
    rare<machine_boot> machine = {};  ///< of one that is a machine
};

struct container_exit {
    int code = 0;                ///< 128 + n when signal n ended it
    bool code_known = true;      ///< false: the process that watched it died, and its code is lost
    bool out_of_memory = false;  ///< its first process was killed for want of memory, as far as one can tell
    wall_time finished_at = {};
    std::uint64_t memory_kills = 0;     ///< how many of its processes the kernel killed for want of memory
    std::int64_t memory_limit_hit = 0;  ///< the limit in bytes if one was met; 0: the machine was short of memory
    bool is_limit_of_pod = false;       ///< that limit is the one that it shares with the rest of its Pod
    /// For people: how it ended, where the code does not say it ("the machine's kernel has panicked").
    std::string reason = {};
};

/// A container that is on this machine, whoever started it.
struct found_container {
    container_key key;
    bool running = false;
    std::optional<container_exit> exit = {};  ///< if it ran and has ended
    std::optional<wall_time> started_at = {};
    rare<machine_boot> machine = {};  ///< as of container_start
};

struct found_sandbox {
    instance_id instance;
    std::filesystem::path network_namespace;  ///< empty: the host's
    bool is_whole = false;                    ///< its namespaces are there; false: it can only be removed
    bool needs_tap = false;                   ///< as of sandbox
    std::vector<found_container> containers;
};

/// A program that is run beside those of a container, with its rights.
struct exec_request {
    container_key key;
    std::vector<std::string> command;
    time_point deadline = {};
    std::size_t output_bytes_max = 10u << 10;
};

struct exec_result {
    int exit_code = 0;        ///< 128 + n when signal n ended it
    std::string output = {};  ///< of both streams; what is beyond the maximum is dropped
    bool is_output_cut = false;
};

/// What something takes on the disk.
struct disk_share {
    std::int64_t bytes = 0;  ///< as the file system counts them
    std::int64_t files = 0;  ///< directories and links, too
    friend bool operator==(disk_share const&, disk_share const&) = default;
};

struct written_container {
    std::string name;
    disk_share layer = {};  ///< in its own file system
    std::int64_t log_bytes = 0;
};

struct written_volume {
    std::string name;
    disk_share held = {};
};

/// What an instance has written on the disk of the node's state. Volumes in memory are not in it.
struct written_files {
    instance_id instance;
    std::vector<written_container> containers = {};
    std::vector<written_volume> volumes = {};
    bool is_complete = true;  ///< false: it has so much that the time was over first, and more than this
};

/// A container's output. Each of its two streams is in the order in which it was written.
class container_log_reader {
public:
    virtual ~container_log_reader() = default;
    /// Returns the next bytes (or whole frames), at most limits::container_log_chunk_bytes_max; empty at the end. A
    /// line may come in pieces. When the log is followed, this waits for more, and the end comes when the container has
    /// ended and everything was read.
    virtual awaitable<result<std::string>> read() = 0;
};

/// Every call is idempotent: made twice, or again after a crash half way, it ends in the same state.
/// A cancelled call leaves nothing that `remove_sandbox` of the same instance would not remove.
class runtime {
public:
    virtual ~runtime() = default;

    virtual std::string_view name()
        const = 0;  ///< as nodes report it: "oci", "microvm"; a simulation has that of the one it stands for

    /// Errors: exhausted, the disk is full; internal.
    virtual awaitable<result<sandbox>> create_sandbox(sandbox_request request) = 0;
    /// Creates and starts. Errors: invalid, the program of the image cannot be run or the user does not exist;
    /// conflict or not_found, there is no sandbox; exhausted; timed_out; internal. After an error nothing of the
    /// container runs. The log of the attempt before is kept.
    virtual awaitable<result<container_start>> start_container(container_request request) = 0;
    /// Completes when the container has ended, or at once if it has. Any number of callers may wait, at any time before
    /// its removal.
    /// Errors: not_found.
    virtual awaitable<result<container_exit>> wait_container(container_key key) = 0;
    /// Sends the image's stop signal (TERM by default). Errors: not_found, it does not run.
    virtual awaitable<result<void>> stop_container(container_key key) = 0;
    /// Kills every process of the container. Errors: not_found, it does not run.
    virtual awaitable<result<void>> kill_container(container_key key) = 0;
    /// Runs a program in a container to its end. At the deadline, or if the caller is cancelled, it is killed with what
    /// it has started. Errors: not_found, the container does not run; invalid, there is no such program; timed_out,
    /// with what it had written in the message; exhausted; unsupported, no program can be run in what this runtime
    /// makes; internal.
    virtual awaitable<result<exec_result>> exec(exec_request what) = 0;
    /// Returns what these use now; without those that are not here. Errors: internal.
    virtual awaitable<result<std::vector<instance_usage>>> measure_usage(std::vector<instance_id> of) = 0;
    /// Returns what these have written on the disk of the node's state until now; without those that are not here. It
    /// looks at every file, and at those of all instances alike: at the deadline it returns what it has found so far.
    /// Errors: internal.
    virtual awaitable<result<std::vector<written_files>>> measure_written(std::vector<instance_id> of,
                                                                          time_point deadline) = 0;
    /// Waits until what was removed before this call has left the disk, too: a removal is over earlier.
    /// Errors: timed_out.
    virtual awaitable<result<void>> await_deleted(time_point deadline) = 0;
    /// Removes everything of the container except its logs. Kills the container if it runs.
    virtual awaitable<result<void>> remove_container(container_key key) = 0;
    /// Removes everything of the instance except its logs, which can be read until `remove_sandbox`. For an instance
    /// that has ended.
    virtual awaitable<result<void>> vacate_sandbox(instance_id instance) = 0;
    /// Removes everything of the instance: containers, logs, namespaces, mounts, cgroups, directories.
    virtual awaitable<result<void>> remove_sandbox(instance_id instance) = 0;
    /// Returns everything on this machine that a node with this state directory has made.
    virtual awaitable<result<std::vector<found_sandbox>>> list() = 0;
    /// Errors: not_found, there is no such container or it never wrote a log; exhausted, it must be whole and is not.
    virtual awaitable<result<std::unique_ptr<container_log_reader>>> open_container_log(
        container_key key, container_log_options options) = 0;
};

}  // namespace rik
