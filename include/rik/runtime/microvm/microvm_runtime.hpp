// Machines on this machine: QEMU runs them, each with a keeper and a conmon of its own, from Debian's cloud kernel.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/log.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rik {

struct microvm_options {
    /// "/run/rik/<tag>/microvm": what goes with the boot. No other runtime may have it. The rules of oci_options.
    std::filesystem::path run_dir;
    std::filesystem::path state_dir;  ///< "/var/lib/rik/microvm": what is kept; the same
    std::string tag;                  ///< eight hex digits: the cgroups are below /rik-<tag>
    asio::any_io_executor executor;   ///< the strand on which this runtime is used
    asio::any_io_executor pool;       ///< blocking file work
    /// Exactly one thread, which runs nothing but work on namespaces: it leaves its own namespaces for a moment.
    asio::any_io_executor namespace_thread;
    asio::any_io_executor trash_thread = {};   ///< as of oci_options
    asio::any_io_executor cgroup_thread = {};  ///< the same
    std::filesystem::path qemu_program = {};   ///< empty: qemu-system-x86_64, as found in PATH
    /// Empty: rik-machine, beside the program that runs, else as found in PATH.
    std::filesystem::path keeper_program = {};
    std::filesystem::path monitor_program = {};  ///< empty: conmon, as found in PATH
    /// The kernel of machines, "DIRECTORY/boot/vmlinuz-RELEASE" with its modules in DIRECTORY/lib/modules/RELEASE.
    /// Empty: the newest vmlinuz-*-cloud-amd64 of / and of /usr/local/lib/rik/guest.
    std::filesystem::path kernel = {};
    /// Each machine that runs has a user id of its own, from here on, that nothing else on this machine should have.
    /// 0: 4,096 of them from 2^30 on, which ones follows from the tag.
    std::uint32_t first_uid = 0;
    std::uint32_t uid_count = 4096;
    std::vector<std::string> dns_servers = {};  ///< as of oci_options
    std::size_t console_log_file_bytes_max = limits::container_log_file_bytes_max;
    std::size_t console_log_files_max = limits::container_log_files_max;
    /// A machine that uses so much of a processor and has not said that it is up is killed.
    duration boot_cpu_time_max = std::chrono::seconds(20);
    /// Machines go on from a template of their kind, where there is one: a machine as it was before it loaded its first
    /// module. One is made behind the first start of each kind, and some are kept, below `state_dir`.
    bool has_templates = true;
    rik::log log = {};
};

/// What runs the code of machines.
struct acceleration {
    std::string name;    ///< "kvm", or "tcg": emulation, some ten times slower
    std::string reason;  ///< why not KVM; empty for KVM
};

/// What machines need of this machine, and what of that is there.
struct microvm_check {
    struct lack {
        std::string what;     ///< "no qemu-system-x86_64"
        std::string package;  ///< of Debian, that has it; empty: none does
    };
    std::vector<std::string> found = {};  ///< "QEMU: /usr/bin/qemu-system-x86_64"
    std::vector<lack> lacking = {};
};

/// The runtime "microvm". A container is a machine with a kernel of its own; its image's `tree` is the file of a root
/// file system (ext4), which is only read: what the machine writes goes with it. Use it from the strand of `executor`
/// only.
///
/// It is kept as containers are: conmon has its console as its log and its end as its exit code. So nothing that this
/// object knows is only in memory, and machines outlive it.
///
/// - A container without any words to run, neither its definition's nor its image's, is the init of its image.
/// - It has as many processors as its cpu limit, rounded up, and the memory of its limit, 128 MiB if it has none.
/// - It goes on from a template, if there is one of its kind; if that fails it boots.
/// - It runs once its first program has said so, which takes seconds where the machine is emulated.
/// - What ends it, if that is no exit code of its program, is `container_exit::reason`.
/// - exec: unsupported.
class microvm_runtime final : public runtime {
public:
    /// Finds all that machines need, and tries KVM, once a boot: that takes a tenth of a second. Prepares the kernel,
    /// once for each: that takes a second. `time` must outlive the runtime.
    /// Errors: not_found, something is not installed, with what to install as the remedy; unsupported, this machine or
    /// its kernel cannot have any; those of oci_runtime::open.
    static awaitable<result<std::unique_ptr<microvm_runtime>>> open(microvm_options options, clock& time);
    /// For `remove_all` alone: nothing need be installed. Errors: those of oci_runtime::open.
    static result<std::unique_ptr<microvm_runtime>> open_to_remove(microvm_options options, clock& time);
    /// Precondition: `stop` has completed.
    ~microvm_runtime() override;

    /// Looks for all that `open` and rootfs_store::open look for, changes nothing and needs no rights. Blocks, as much
    /// as a look at some files does.
    static microvm_check check(microvm_options const& options);

    /// Precondition: it was made by `open`.
    acceleration accelerated() const;
    /// As of oci_runtime.
    awaitable<> stop();
    /// Removes everything of these directories and, in the cgroups, of this tag. For `rik reset`.
    awaitable<result<void>> remove_all();

    std::string_view name() const override { return "microvm"; }
    /// Errors, too: unsupported, a machine on the host's network, or with volumes.
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
    explicit microvm_runtime(std::unique_ptr<state> inner);
    std::unique_ptr<state> state_;
};

}  // namespace rik
