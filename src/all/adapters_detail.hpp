// Everything of this machine that a node works with: the adapters of rik::all, and the threads they run on.
#pragma once

#include "directories_detail.hpp"
#include "network_prober_detail.hpp"

#include <rik/all.hpp>
#include <rik/network/linux/linux_network.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/runtime/microvm/microvm_runtime.hpp>
#include <rik/runtime/microvm/rootfs_store.hpp>
#include <rik/runtime/oci/image_store.hpp>
#include <rik/runtime/oci/linux_host.hpp>
#include <rik/runtime/oci/oci_runtime.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace rik::detail {

/// A thread that runs one kind of work, which would keep other work waiting or must not be mixed with it.
class lone_thread {
public:
    lone_thread() : busy_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
    lone_thread(lone_thread const&) = delete;
    ~lone_thread();
    asio::any_io_executor executor() { return context_.get_executor(); }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> busy_;
    std::thread thread_;
};

/// All but the constructor and destructor: await it on the strand.
class adapters {
public:
    explicit adapters(asio::any_io_executor executor);
    ~adapters();

    awaitable<result<void>> open(local_options options);
    /// What remove_all needs, and no more: no program need be installed.
    awaitable<result<void>> open_to_remove(local_options options);
    /// Precondition: open_to_remove has succeeded.
    awaitable<result<void>> remove_all();
    /// What was made for a start, or an end, that was refused goes again. Call it before `stop`; nothing uses the
    /// databases any more.
    awaitable<> clean_up(log out);
    /// After either `open`, also one that failed.
    awaitable<> stop();

    /// What this machine offers beside containers. Precondition: open has succeeded.
    std::vector<node_runtime> other_runtimes();

    asio::any_io_executor strand;
    directories place;
    system_clock time;
    system_entropy random;
    network_prober probes{strand, time};
    asio::thread_pool pool;
    asio::thread_pool image_pool;  ///< a pulled image waits for the disk
    lone_thread namespaces;        ///< enters them: a thread that strays must not run anything else
    lone_thread groups;            ///< moves between cgroups, each behind a lock of the whole machine
    lone_thread trash;             ///< empties it
    lone_thread primary_disk;      ///< an append must not wait for the removal of a tree
    lone_thread node_disk;
    std::unique_ptr<oci_runtime> containers;
    std::unique_ptr<oci_images> pulled;
    std::unique_ptr<microvm_runtime> machines;  ///< null: this machine offers none
    std::unique_ptr<rootfs_store> root_file_systems;
    string_map missing_runtimes;  ///< what the machine lacks for the runtimes that it does not offer
    std::optional<linux_network> pods;
    std::optional<linux_host> machine;

private:
    template <class Options>
    Options equipped(Options wanted, local_options const& options);
    oci_options runtime_options(local_options const& options);
    result<void> open_runtime(oci_options wanted);
    microvm_options machine_options(local_options const& options);
    awaitable<result<void>> open_machines(local_options options);
    awaitable<result<void>> remove_machines();
    void open_network(local_options const& options);
};

}  // namespace rik::detail
