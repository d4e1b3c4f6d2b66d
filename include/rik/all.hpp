// A cluster on this machine with every default adapter: SQLite, OCI containers, Linux network. Target rik::all.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/assert.hpp>
#include <rik/base/log.hpp>
#include <rik/cluster.hpp>
#include <rik/model/resources.hpp>
#include <rik/placement/placement.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

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

/// What every IPv4 host takes, and what a link can have.   Source: RFC 791
inline constexpr std::uint32_t pod_mtu_min = 576;
inline constexpr std::uint32_t pod_mtu_max = 65'535;

struct local_options {
    /// All that lasts: stores, images, what containers have written. Missing, empty, or made by rik. Two riks need two
    /// state directories, and then never touch each other: every kernel object carries the tag of its state directory.
    std::filesystem::path state_dir = "/var/lib/rik";
    /// What dies with the boot. Empty: as before; at first /run/rik/TAG.
    std::filesystem::path run_dir = {};
    /// Of all Pods. Empty: as before; at first 10.210.0.0/16.
    std::string cluster_cidr = {};
    /// Of all Pods, IPv4 addresses, three at most. Empty: those of the host's resolv.conf that a Pod can reach.
    std::vector<std::string> dns_servers = {};
    /// Of the Pods' links: pod_mtu_min to pod_mtu_max. 0: that of the default route, followed when it changes.
    std::uint32_t pod_mtu = 0;
    std::string node_name = {};              ///< a DNS-1123 name; empty: the machine's host name
    std::optional<resources> capacity = {};  ///< instead of what the machine has
    /// "host:port", spoken to over plain http, or https with any certificate. As parse_registry takes them.
    std::vector<std::string> insecure_registries = {};
    std::string version = "0.1.0";
    placement_policy policy = default_policy();  ///< with filters and scores of the program's own
    log out = warnings_to_standard_error();      ///< `log()` for silence
};

/// The eight hex digits in the names of everything that a rik with this state directory makes in the kernel.
std::string state_tag(std::filesystem::path const& state_dir);

/// What riks have on this machine. Those of an earlier boot have only their state directories, and only the usual one
/// of these can be found.
struct machine_remains {
    std::vector<std::filesystem::path> state_dirs;
    std::vector<std::string> unknown_tags;  ///< of bridges whose state directory cannot be told
};
machine_remains find_remains();

/// All roles in this process, on this machine. Needs root. The calls may be made from any thread.
/// Instances outlive it: the next one with the same state directory takes them over.
class local_cluster {
public:
    /// Opens the adapters and starts the cluster. `executor` is the host program's. A Pod network that cannot be opened
    /// (a subnet that is in use) is no error here, since it is tried again: the log says so, and the node is
    /// `not_ready` until it opens. Errors: conflict, another rik has this state directory, or it belongs to something
    /// else; invalid, it was used with another run directory or cluster_cidr, or Pods cannot have addresses of that, or
    /// node_name or a registry is none; not_found, programs that it needs are not installed; denied; unsupported;
    /// corrupt; internal. Cancel: waits for the end. Do not drop what it returns then: it has to be stopped.
    static awaitable<result<std::unique_ptr<local_cluster>>> open(asio::any_io_executor executor,
                                                                  local_options options);
    /// Precondition: `stop` has returned.
    ~local_cluster();

    operations& api();
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
/// cgroups, links, rules, images, state; changed sysctls, if no other rik needs them. A missing state directory is no
/// reason to leave the rest: all of that carries its tag. What rik did not make is not touched.
/// Errors: conflict, a rik runs with this state directory, or rik did not make it; invalid, it was used with another
/// run directory; denied; internal, something could not be removed. Cancel: waits for the end.
awaitable<result<void>> reset(asio::any_io_executor executor, local_options options);

/// A local cluster with a thread of its own, for programs without coroutines. The calls may be made from any thread but
/// its own; `start` and the destructor by one thread.
class cluster_thread {
public:
    explicit cluster_thread(local_options options) : options_(std::move(options)) {}
    /// Stops what was started; instances run on.
    ~cluster_thread();
    cluster_thread(cluster_thread const&) = delete;
    cluster_thread& operator=(cluster_thread const&) = delete;

    /// Errors: those of local_cluster::open; it may be called again then.
    result<void> start();
    /// Precondition: `start` has succeeded.
    operations& api();
    /// Why a role cannot go on: end the program or destroy this. Nothing as long as all is well.
    std::optional<error> failure() const;

    /// Runs `work`, for instance an operation of `api`, and waits for it. What it throws, this throws.
    /// Precondition: `start` has been called.
    template <class T>
    T call(awaitable<T> work) {
        RIK_ASSERT(thread_.joinable());
        return asio::co_spawn(context_, std::move(work), asio::use_future).get();
    }

private:
    awaitable<> watch_failure();

    local_options options_;
    mutable std::mutex failure_mutex_;  // between the cluster's thread and whoever asks
    std::optional<error> failure_;
    asio::io_context context_{1};
    std::unique_ptr<local_cluster> cluster_;
    asio::cancellation_signal stop_watching_;
    std::future<void> watching_;
    std::thread thread_;
};

}  // namespace rik
