#include <rik/all.hpp>

#include "directory_lock_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/hash.hpp>
#include <rik/network/linux/linux_network.hpp>
#include <rik/runtime/oci/image_store.hpp>
#include <rik/runtime/oci/linux_host.hpp>
#include <rik/runtime/oci/oci_runtime.hpp>
#include <rik/store/sqlite_journal.hpp>

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <optional>
#include <system_error>

namespace rik {

namespace {

constexpr std::size_t pool_thread_count = 2;

std::filesystem::path run_dir_of(local_options const& options) {
    if (!options.run_dir.empty()) return options.run_dir;
    return std::filesystem::path("/run/rik") / state_tag(options.state_dir);
}

/// A thread that runs one kind of work: what enters namespaces, or what waits for the lock of all cgroups.
class lone_thread {
public:
    lone_thread() : busy_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
    ~lone_thread() {
        busy_.reset();
        context_.stop();
        thread_.join();
    }
    asio::any_io_executor executor() { return context_.get_executor(); }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> busy_;
    std::thread thread_;
};

/// Everything of this machine that a node works with.
struct adapters {
    explicit adapters(asio::any_io_executor executor) : strand(asio::make_strand(executor)), pool(pool_thread_count) {}
    ~adapters() { pool.join(); }

    result<void> open(local_options const& options);
    /// Await it on the strand.
    awaitable<> stop() {
        if (pulled) co_await pulled->stop();
        if (containers) co_await containers->stop();
    }

    detail::directory_lock lock;
    system_clock time;
    system_entropy random;
    asio::any_io_executor strand;
    asio::thread_pool pool;
    lone_thread namespaces;
    lone_thread groups;
    std::unique_ptr<oci_runtime> containers;
    std::unique_ptr<oci_images> pulled;
    std::optional<linux_network> pods;
    std::optional<linux_host> machine;
};

result<void> adapters::open(local_options const& options) {
    auto const locked = lock.take(options.state_dir);
    if (!locked) return locked.error();
    auto const tag = state_tag(options.state_dir);
    oci_options runtime_options{
        .run_dir = run_dir_of(options), .state_dir = options.state_dir, .tag = tag, .executor = strand};
    runtime_options.pool = pool.get_executor();
    runtime_options.namespace_thread = namespaces.executor();
    runtime_options.cgroup_thread = groups.executor();
    runtime_options.log = options.out;
    auto opened_runtime = oci_runtime::open(std::move(runtime_options), time);
    if (!opened_runtime) return opened_runtime.error();
    containers = std::move(*opened_runtime);

    oci_images_options image_options{.state_directory = options.state_dir,
                                     .insecure_registries = options.insecure_registries};
    auto opened_images = oci_images::open(strand, pool.get_executor(), time, std::move(image_options), options.out);
    if (!opened_images) return opened_images.error();
    pulled = std::move(*opened_images);

    linux_network_options network_options{.tag = tag};
    network_options.namespace_executor = namespaces.executor();
    network_options.pool_executor = pool.get_executor();
    network_options.logger = options.out;
    pods.emplace(std::move(network_options));

    linux_host_options host_options{
        .state_directory = options.state_dir, .name = options.node_name, .capacity = options.capacity};
    machine.emplace(std::move(host_options));
    return {};
}

}  // namespace

std::string state_tag(std::filesystem::path const& state_dir) {
    std::error_code unknown;
    auto const whole = std::filesystem::weakly_canonical(state_dir, unknown);
    return short_tag(unknown ? state_dir.string() : whole.string());
}

class local_cluster::impl {
public:
    impl(asio::any_io_executor executor, local_options options)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          machine_(executor_),
          primary_disk_(options_.state_dir / "primary" / "state.db", machine_.pool.get_executor()),
          node_disk_(options_.state_dir / "node" / "state.db", machine_.pool.get_executor()) {}

    awaitable<result<void>> start() {
        auto const opened = machine_.open(options_);
        if (!opened) co_return opened.error();
        cluster_ports ports{machine_.time,    machine_.random, primary_disk_,     node_disk_,     *machine_.containers,
                            *machine_.pulled, *machine_.pods,  *machine_.machine, machine_.strand};
        cluster_options roles{.cluster_cidr = options_.cluster_cidr, .version = options_.version, .out = options_.out};
        cluster_.emplace(executor_, ports, std::move(roles));
        auto const started = co_await cluster_->start();
        if (started) co_return result<void>{};
        cluster_.reset();
        co_return started.error();
    }

    awaitable<> stop() {
        if (cluster_) co_await cluster_->stop();
        co_await on_strand(machine_.strand, machine_.stop());
    }

    operations& api() { return cluster_->api(); }
    awaitable<error> failure() { return cluster_->failure(); }

private:
    asio::any_io_executor executor_;
    local_options options_;
    adapters machine_;
    sqlite_journal primary_disk_;
    sqlite_journal node_disk_;
    std::optional<cluster> cluster_;
};

local_cluster::local_cluster(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
local_cluster::~local_cluster() = default;
operations& local_cluster::api() { return impl_->api(); }
awaitable<error> local_cluster::failure() { return impl_->failure(); }
awaitable<> local_cluster::stop() { return impl_->stop(); }

awaitable<result<std::unique_ptr<local_cluster>>> local_cluster::open(asio::any_io_executor executor,
                                                                      local_options options) {
    auto inner = std::make_unique<impl>(std::move(executor), std::move(options));
    auto const started = co_await inner->start();
    if (started) co_return std::unique_ptr<local_cluster>(new local_cluster(std::move(inner)));
    co_await inner->stop();
    co_return started.error();
}

namespace {

awaitable<result<void>> remove_all(adapters& machine) {
    auto const contained = co_await machine.containers->remove_all();
    if (!contained) co_return contained.error();
    co_return co_await machine.pods->remove_all();
}

}  // namespace

awaitable<result<void>> reset(asio::any_io_executor executor, local_options options) {
    std::error_code failure;
    if (!std::filesystem::exists(options.state_dir, failure)) co_return result<void>{};
    adapters machine(executor);
    auto const opened = machine.open(options);
    if (!opened) co_return opened.error();
    auto const removed = co_await on_strand(machine.strand, remove_all(machine));
    co_await on_strand(machine.strand, machine.stop());
    if (!removed) co_return removed.error();
    static constexpr std::array parts{"primary", "node", "images", "lock"};
    for (auto const* const part : parts) {
        std::filesystem::remove_all(options.state_dir / part, failure);
        if (failure)
            co_return error{errc::internal,
                            fmt::format("{}: {}", (options.state_dir / part).string(), failure.message())};
    }
    std::filesystem::remove(options.state_dir, failure);  // stays if the user keeps files of his own there
    std::filesystem::remove_all(run_dir_of(options), failure);
    co_return result<void>{};
}

}  // namespace rik
