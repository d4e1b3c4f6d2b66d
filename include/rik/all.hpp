// A cluster on this machine with every default adapter: SQLite, OCI containers, Linux network. Target rik::all.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/keep_result.hpp>
#include <rik/base/assert.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/cluster.hpp>
#include <rik/model/node.hpp>
#include <rik/model/resources.hpp>
#include <rik/placement/placement.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rik {

/// The smallest MTU is what every IPv4 host must accept; the largest is what an interface can have.   Source: RFC 791
inline constexpr std::uint32_t pod_mtu_min = 576;
inline constexpr std::uint32_t pod_mtu_max = 65'535;

struct local_options {
    /// Everything that lasts: stores, images, what containers have written. The directory must be missing, empty, or
    /// made by rik. Two riks need two state directories. They then never touch each other, because every kernel object
    /// carries the tag of its state directory.
    std::filesystem::path state_dir = "/var/lib/rik";
    /// Everything that goes with the boot. Empty: the same as before; the first time /run/rik/TAG.
    std::filesystem::path run_dir = {};
    /// The addresses of all Pods. Empty: the same as before; the first time 10.210.0.0/16.
    std::string cluster_cidr = {};
    /// The name servers of all Pods: IPv4 addresses, three at most. Empty: those of the host's resolv.conf that a Pod
    /// can reach.
    std::vector<std::string> dns_servers = {};
    /// The MTU of the Pods' interfaces, from pod_mtu_min to pod_mtu_max. 0: that of the default route, also when it
    /// changes.
    std::uint32_t pod_mtu = 0;
    /// The program that makes containers: "runc", "crun", a path, or "auto": crun if it is installed and can make them
    /// on this machine, else runc. See oci_runtime::choose_program.
    std::string oci_runtime = "auto";
    /// See microvm_options::has_templates.
    bool function_templates = true;
    /// No container waits longer before it starts again, whatever its workload says.
    duration restart_delay_max = restart_delays().max;
    std::string node_name = {};              ///< a DNS-1123 name; empty: the machine's host name
    std::optional<resources> capacity = {};  ///< instead of what the machine has
    resources reserve = {};                  ///< of that, kept for all else that runs on the machine
    string_map node_labels = {};             ///< beside kubernetes.io/hostname, os and arch
    /// That the node has when it joins. From then on they are the operators'.
    std::vector<taint> node_taints = {};
    /// Registries ("host:port") that are reached over plain http, or https with any certificate. See parse_registry.
    std::vector<std::string> insecure_registries = {};
    std::string version = "0.1.0";
    placement_policy policy = default_policy();  ///< with filters and scores of the program's own
    log out = warnings_to_standard_error();      ///< `log()` for silence
};

/// Returns the eight hex digits in the names of everything that a rik with this state directory makes in the kernel.
std::string state_tag(std::filesystem::path const& state_dir);

/// What riks have on this machine. Those of an earlier boot have only their state directories, of which only the usual
/// one can be found.
struct machine_remains {
    std::vector<std::filesystem::path> state_dirs;
    std::vector<std::string> unknown_tags;  ///< of bridges whose state directory is not known
};
machine_remains find_remains();

/// All roles in this process, on this machine. Needs root. The calls may be made from any thread.
/// Instances outlive it: the next one with the same state directory takes them over.
class local_cluster {
public:
    /// Opens the adapters and starts the cluster. `executor` belongs to the embedding program. If the Pod network
    /// cannot be opened (its subnet is in use, for example), this succeeds all the same: the log says so, it is tried
    /// again, and the node is `not_ready` until it opens. Errors: conflict, another rik has this state directory, or it
    /// belongs to something else; invalid, it was used with another run directory or cluster_cidr, or Pods cannot have
    /// addresses of that, or node_name or a registry is not valid; not_found, programs that it needs are not installed;
    /// denied; unsupported; corrupt; internal. Cancel: waits for the end. The cluster that it returns then has to be
    /// stopped as well.
    static awaitable<result<std::unique_ptr<local_cluster>>> open(asio::any_io_executor executor,
                                                                  local_options options);
    /// Precondition: `stop` has returned.
    ~local_cluster();

    operations& api();
    /// As that of `cluster`.
    awaitable<role_health> health();
    /// Completes when a role cannot go on, with the reason; call `stop` then.
    awaitable<error> failure();
    /// Ends the roles. No instance is stopped. Cancel: waits for the end.
    awaitable<> stop();

private:
    class impl;
    static awaitable<result<void>> start(impl& inner);
    explicit local_cluster(std::unique_ptr<impl> inner);
    std::unique_ptr<impl> impl_;
};

/// Removes everything that a rik with this state directory has made on this machine: containers, mounts, namespaces,
/// cgroups, interfaces, rules, images and state. If the state directory is missing, the rest is removed all the same,
/// because all of that carries its tag. What rik did not make is not touched, nor is `net.ipv4.ip_forward`. Errors:
/// conflict, a rik runs with this state directory, or rik did not make it; invalid, it was used with another run
/// directory; denied; internal, something could not be removed. Cancel: waits for the end.
awaitable<result<void>> reset(asio::any_io_executor executor, local_options options);

/// A local cluster with a thread of its own, for programs without coroutines. The calls may be made from any thread
/// except the cluster's own; `start` and the destructor from one and the same thread.
class cluster_thread {
public:
    explicit cluster_thread(local_options options) : options_(std::move(options)) {}
    /// Stops what was started; instances run on.
    ~cluster_thread();
    cluster_thread(cluster_thread const&) = delete;
    cluster_thread& operator=(cluster_thread const&) = delete;

    /// Errors: those of local_cluster::open. It may be called again after an error.
    result<void> start();
    /// Precondition: `start` has succeeded.
    operations& api();
    /// Returns why a role cannot go on; then end the program or destroy this object. nullopt as long as all is well.
    std::optional<error> failure() const;

    /// Runs `work`, for instance an operation of `api`, and waits for it. Throws what `work` throws.
    /// Precondition: `start` has been called.
    void call(awaitable<> work);

    /// The same, for a value.
    template <class T>
    T call(awaitable<T> work) {
        std::optional<T> returned;
        call(detail::keep_result(std::move(work), returned));
        return std::move(*returned);
    }

private:
    awaitable<> watch_failure();

    local_options options_;
    mutable std::mutex failure_mutex_;  // between the cluster's thread and the callers of `failure`
    std::optional<error> failure_;
    asio::io_context context_{1};
    std::unique_ptr<local_cluster> cluster_;
    asio::cancellation_signal stop_watching_;
    std::future<void> watching_;
    std::thread thread_;
};

}  // namespace rik
