// Where everything of an instance is: each path, name and cgroup derives from uid, container and attempt alone.
#pragma once

#include <rik/runtime/runtime.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// What the containers of an instance share.
struct pod_paths {
    std::filesystem::path state;       ///< containers/, logs/, etc/
    std::filesystem::path run;         ///< ns/, shm/, containers/, ready
    std::filesystem::path namespaces;  ///< net, ipc, uts: bind mounts of the pinned namespaces
    std::filesystem::path etc;         ///< hosts, resolv.conf, hostname: see mounts_of
    std::filesystem::path shm;         ///< the mount point of the tmpfs
    std::filesystem::path ready;       ///< written last: the sandbox is whole
    std::filesystem::path logs;
    std::string cgroup;  ///< "/rik-<tag>/<uid>"

    std::filesystem::path network_namespace() const { return namespaces / "net"; }
};

struct container_paths {
    std::string id;                       ///< for runc and conmon
    std::filesystem::path state;          ///< kept over a reboot: upper, work, record, exit
    std::filesystem::path bundle;         ///< config.json, rootfs, conmon's socket and fifos
    std::filesystem::path runtime_state;  ///< runc's own
    std::filesystem::path log;
    std::string cgroup;          ///< "/rik-<tag>/<uid>/<name>-<attempt>"
    std::string monitor_cgroup;  ///< conmon's: the same with ".monitor"

    std::filesystem::path upper() const { return state / "upper"; }
    std::filesystem::path work() const { return state / "work"; }
    std::filesystem::path record() const { return state / "record.json"; }
    std::filesystem::path exit_dir() const { return state / "exit"; }
    std::filesystem::path exit_file() const { return exit_dir() / id; }
    std::filesystem::path lost_mark() const { return state / "lost"; }  ///< conmon died; the exit code is lost
    std::filesystem::path rootfs() const { return bundle / "rootfs"; }
    std::filesystem::path container_pid() const { return bundle / "pid"; }
    std::filesystem::path monitor_pid() const { return bundle / "conmon.pid"; }
    std::filesystem::path control_fifo() const { return bundle / "ctl"; }
    std::filesystem::path start_fifo() const { return runtime_state / "exec.fifo"; }
};

class layout {
public:
    layout(std::filesystem::path run_dir, std::filesystem::path state_dir, std::string_view tag);

    pod_paths pod(instance_id const& instance) const;
    container_paths container(container_key const& key) const;

    std::filesystem::path const& run_dir() const { return run_dir_; }
    std::filesystem::path state_pods() const { return state_dir_ / "pods"; }
    std::filesystem::path run_pods() const { return run_dir_ / "pods"; }
    std::filesystem::path runtime_root() const { return run_dir_ / "runc"; }
    std::filesystem::path run_trash() const { return run_dir_ / "trash"; }
    std::filesystem::path state_trash() const { return state_dir_ / "trash"; }
    std::filesystem::path images() const { return state_dir_ / "images"; }  ///< the image store's
    std::filesystem::path trial() const { return run_dir_ / "trial"; }      ///< of an OCI runtime
    std::filesystem::path trial_passed() const { return run_dir_ / "trial-passed"; }
    std::filesystem::path boot_id() const { return run_dir_ / "boot_id"; }
    std::string const& cgroup() const { return cgroup_; }                  ///< "/rik-<tag>"
    std::string monitors_cgroup() const { return cgroup_ + "/monitors"; }  ///< of all conmons, in v1's hierarchies

private:
    std::filesystem::path run_dir_;
    std::filesystem::path state_dir_;
    std::string cgroup_;
};

/// "web-2" of a container's directory. Names are DNS labels, so the last '-' is before the attempt.
std::string container_directory(container_key const& key);
std::optional<container_key> parse_container_directory(instance_id const& instance, std::string_view name);

/// The log file of an attempt; `rotation` 0 is the one that is written.
std::filesystem::path rotated_log(std::filesystem::path const& log, std::size_t rotation);

/// A second name of the file that is written, for the case that conmon replaces it: see container_log_detail.hpp.
std::filesystem::path kept_log(std::filesystem::path const& log);
/// What conmon makes a new log file as, before that gets its name.
std::filesystem::path next_log(std::filesystem::path const& log);
/// Is there once a part of the log may have been dropped.
std::filesystem::path cut_log_mark(std::filesystem::path const& log);

}  // namespace rik::detail
