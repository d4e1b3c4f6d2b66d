// Containers on this machine: runc runs them, one conmon watches each, the kernel's own calls do the rest.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik {

struct oci_options {
    /// "/run/rik/<tag>": what dies with the boot. Absolute, without space, newline and , : \ "
    std::filesystem::path run_dir;
    std::filesystem::path state_dir;  ///< "/var/lib/rik": what is kept; the same rules
    std::string tag;                  ///< eight hex digits: the cgroups are below /rik-<tag>
    asio::any_io_executor executor;   ///< the strand on which this runtime is used
    asio::any_io_executor pool;       ///< blocking file work
    /// Exactly one thread that runs nothing but work on namespaces: it leaves its own for a moment.
    asio::any_io_executor namespace_thread;
    /// Deletes what was discarded, which takes as long as it takes. Empty: the pool.
    asio::any_io_executor trash_thread = {};
    /// Moves between cgroups, which nothing waits for: each may wait milliseconds for a lock of the whole machine.
    /// Empty: the pool.
    asio::any_io_executor cgroup_thread = {};
    std::filesystem::path runtime_program = {};  ///< empty: runc, as found in PATH
    std::filesystem::path monitor_program = {};  ///< empty: conmon, as found in PATH
    /// Of Pods that name none, instead of the host's; at most `dns_servers_max`.
    std::vector<std::string> dns_servers = {};
    std::int64_t processes_max = 4096;    ///< of one container
    std::uint64_t shm_bytes = 64u << 20;  ///< of a Pod's /dev/shm
    std::size_t log_file_bytes_max = limits::log_file_bytes_max;
    std::size_t log_files_max = limits::log_files_max;
    duration log_check_period = std::chrono::seconds(2);
    rik::log log = {};
};

/// The runtime "oci". Use it from the strand of `executor` only.
///
/// Nothing that it knows is only in memory: paths, cgroups and names derive from uid, container and attempt, so a
/// second object (after a crash, an upgrade) takes over what the first one started. Destroying or stopping it stops
/// no container.
///
/// A log file may exceed `log_file_bytes_max` by what a container writes in one `log_check_period`, or in 200 ms once
/// it is seen to write much; and never 25 x `log_file_bytes_max`, where conmon begins a new one by itself. So the logs
/// of one attempt of a container take at most 25 x `log_file_bytes_max` x (`log_files_max` + 1) bytes, and those of its
/// last 5 attempts are kept. A reader that follows holds up to 12 files, also those that were dropped meanwhile.
class oci_runtime final : public runtime {
public:
    /// Prepares the directories. What `run_dir` has from an earlier boot is removed. `time` must outlive the runtime.
    /// Errors: invalid, a path or the tag has the wrong form; exhausted; unsupported, no cgroups are mounted; internal.
    static result<std::unique_ptr<oci_runtime>> open(oci_options options, clock& time);
    /// Precondition: `stop` has completed.
    ~oci_runtime() override;

    /// Whether containers can write on the file system of `state_dir`, which is there: a container's root is an overlay
    /// with its upper directory in it. Tries it, in a few milliseconds, and leaves nothing. Blocks.
    /// Errors: unsupported, the file system (an overlay, for example) or the kernel cannot; exhausted; internal.
    static result<void> check_file_system(std::filesystem::path const& state_dir);

    /// Ends the runtime's own tasks: the rotation of logs, and the deletion of what was removed, of which the next one
    /// that is opened deletes the rest. Containers run on, and no conmon of theirs stays in our own cgroup. Call it
    /// when no other verb runs.
    awaitable<> stop();

    /// Removes everything of this tag and these directories: containers, mounts, namespaces, cgroups, files, also what
    /// `list` would not find. For `rik reset`; no other verb may run meanwhile.
    /// Errors: internal, something is still in use.
    awaitable<result<void>> remove_all();

    /// Why Pods that are started now cannot resolve names; nullopt if they can. Blocks for the reading of a file.
    std::optional<error> find_name_fault() const;

    std::string_view name() const override { return "oci"; }
    awaitable<result<sandbox>> create_sandbox(sandbox_request request) override;
    awaitable<result<void>> start_container(container_request request) override;
    awaitable<result<container_exit>> wait_container(container_key key) override;
    awaitable<result<void>> stop_container(container_key key) override;
    awaitable<result<void>> kill_container(container_key key) override;
    awaitable<result<void>> remove_container(container_key key) override;
    awaitable<result<void>> release_sandbox(instance_id instance) override;
    awaitable<result<void>> remove_sandbox(instance_id instance) override;
    awaitable<result<std::vector<found_sandbox>>> list() override;
    awaitable<result<std::unique_ptr<log_reader>>> open_log(container_key key, log_options options) override;

private:
    struct state;
    explicit oci_runtime(std::unique_ptr<state> inner);
    std::unique_ptr<state> state_;
};

}  // namespace rik
