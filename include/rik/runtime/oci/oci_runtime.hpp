// Containers on this machine: runc or crun makes them, one conmon watches each, the kernel's own calls do the rest.
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
    /// "/run/rik/<tag>": what goes with the boot. Absolute, without space, newline and , : \ "
    std::filesystem::path run_dir;
    std::filesystem::path state_dir;  ///< "/var/lib/rik": what is kept; the same rules
    std::string tag;                  ///< eight hex digits: the cgroups are below /rik-<tag>
    asio::any_io_executor executor;   ///< the strand on which this runtime is used
    asio::any_io_executor pool;       ///< blocking file work
    /// Exactly one thread, which runs nothing but work on namespaces: it leaves its own namespaces for a moment.
    asio::any_io_executor namespace_thread;
    /// Deletes what was removed, which may take long. Empty: the pool.
    asio::any_io_executor trash_thread = {};
    /// Moves processes between cgroups. Each move may wait milliseconds for a lock of the whole machine, and nothing
    /// waits for it. Empty: the pool.
    asio::any_io_executor cgroup_thread = {};
    /// Makes the containers. Empty: runc, as found in PATH. What is named crun is called as crun, all else as runc.
    std::filesystem::path runtime_program = {};
    /// rik-launch, which crun needs. Empty: beside the program that runs, else as found in PATH.
    std::filesystem::path launcher_program = {};
    std::filesystem::path monitor_program = {};  ///< empty: conmon, as found in PATH
    /// The name servers of Pods that name none, at most `dns_servers_max`. Empty: the host's.
    std::vector<std::string> dns_servers = {};
    std::int64_t processes_max = 4096;    ///< of one container
    std::uint64_t shm_bytes = 64u << 20;  ///< of a Pod's /dev/shm
    std::size_t container_log_file_bytes_max = limits::container_log_file_bytes_max;
    std::size_t container_log_files_max = limits::container_log_files_max;
    duration container_log_check_period = std::chrono::seconds(2);
    rik::log log = {};
};

/// The runtime "oci". Use it from the strand of `executor` only.
///
/// Nothing that it knows is only in memory. Paths, cgroups and names derive from uid, container and attempt, so that a
/// second object (after a crash or an upgrade) takes over what the first one started. Destroying or stopping it stops
/// no container.
///
/// A log file may exceed `container_log_file_bytes_max` by what a container writes in one `container_log_check_period`,
/// or in 200 ms once it is seen to write much. At 25 x `container_log_file_bytes_max` conmon begins a new file by
/// itself. So the logs of one attempt of a container take at most 25 x `container_log_file_bytes_max` x
/// (`container_log_files_max` + 1) bytes. The logs of the last 5 attempts are kept. A reader that follows keeps up to
/// 12 files open, even if they were dropped meanwhile.
class oci_runtime final : public runtime {
public:
    /// Prepares the directories, and removes what `run_dir` has from an earlier boot. `time` must outlive the runtime.
    /// Errors: invalid, a path or the tag has the wrong form; exhausted; unsupported, no cgroups are mounted; internal.
    static result<std::unique_ptr<oci_runtime>> open(oci_options options, clock& time);
    /// Precondition: `stop` has completed.
    ~oci_runtime() override;

    /// Checks that containers can write on the file system of `state_dir`, which must exist: a container's root is an
    /// overlay with its upper directory there. Tries it, which takes a few milliseconds, and leaves nothing. Blocks.
    /// Errors: unsupported, the file system (an overlay, for example) or the kernel cannot; exhausted; internal.
    static result<void> check_file_system(std::filesystem::path const& state_dir);

    /// Names a program for `runtime_program`, of which `wanted` says:
    /// - "runc", "crun": that, as found in PATH.
    /// - a path: that.
    /// - "auto": crun if it is installed and can make containers here, else runc.
    /// crun is tried, which takes 20 ms: it needs a newer kernel than runc, and rik-launch. Passed once, it is not
    /// tried again before the next boot. Uses `options` as `open` does. Errors: not_found, no such program is
    /// installed; unsupported, crun cannot make containers here; those of `open`.
    static awaitable<result<std::filesystem::path>> choose_program(oci_options options, clock& time,
                                                                   std::string wanted);

    /// Ends the runtime's own tasks: the rotation of logs, and the deletion of what was removed; the next runtime that
    /// is opened deletes the rest. Containers run on, and none of their conmons stays in our own cgroup. Call it when
    /// no other call runs.
    awaitable<> stop();

    /// Removes everything of this tag and these directories: containers, mounts, namespaces, cgroups, files, also what
    /// `list` would not find. For `rik reset`; no other call may run meanwhile.
    /// Errors: internal, something is still in use.
    awaitable<result<void>> remove_all();

    /// Returns why Pods that are started now cannot resolve names; nullopt if they can. Blocks while it reads a file.
    std::optional<error> find_name_fault() const;

    std::string_view name() const override { return "oci"; }
    awaitable<result<sandbox>> create_sandbox(sandbox_request request) override;
    awaitable<result<container_start>> start_container(container_request request) override;
    awaitable<result<container_exit>> wait_container(container_key key) override;
    awaitable<result<void>> stop_container(container_key key) override;
    awaitable<result<void>> kill_container(container_key key) override;
    awaitable<result<exec_result>> exec(exec_request what) override;
    awaitable<result<std::vector<instance_usage>>> measure_usage(std::vector<instance_id> of) override;
    awaitable<result<std::vector<written_files>>> measure_written(std::vector<instance_id> of,
                                                                  time_point deadline) override;
    awaitable<result<void>> await_deleted(time_point deadline) override;
    awaitable<result<void>> remove_container(container_key key) override;
    awaitable<result<void>> vacate_sandbox(instance_id instance) override;
    awaitable<result<void>> remove_sandbox(instance_id instance) override;
    awaitable<result<std::vector<found_sandbox>>> list() override;
    awaitable<result<std::unique_ptr<container_log_reader>>> open_container_log(container_key key,
                                                                                container_log_options options) override;

private:
    struct state;
    explicit oci_runtime(std::unique_ptr<state> inner);
    std::unique_ptr<state> state_;
};

}  // namespace rik
