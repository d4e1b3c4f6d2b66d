#include "adapters_detail.hpp"

#include <rik/all.hpp>
#include <rik/async/shield.hpp>
#include <rik/base/assert.hpp>
#include <rik/base/hash.hpp>
#include <rik/store/sqlite_journal.hpp>

#include <optional>
#include <system_error>

namespace rik {

std::string state_tag(std::filesystem::path const& state_dir) {
    std::error_code unknown;
    auto whole = std::filesystem::weakly_canonical(state_dir, unknown);
    if (unknown) whole = state_dir;
    return short_tag(whole.has_filename() ? whole.string() : whole.parent_path().string());
}

class local_cluster::impl {
public:
    impl(asio::any_io_executor executor, local_options options)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          adapters_(executor_),
          primary_disk_(options_.state_dir / "primary" / "state.db", adapters_.primary_disk.executor()),
          node_disk_(options_.state_dir / "node" / "state.db", adapters_.node_disk.executor()) {}

    awaitable<result<void>> start() {
        auto const opened = co_await on_strand(adapters_.strand, adapters_.open(options_));
        if (!opened) co_await clean_up();
        if (!opened) co_return opened.error();
        cluster_ports ports{adapters_.time,        adapters_.random,  primary_disk_,   node_disk_,
                            *adapters_.containers, *adapters_.pulled, *adapters_.pods, *adapters_.machine,
                            adapters_.probes,      adapters_.strand};
        ports.other_runtimes = adapters_.other_runtimes();
        ports.missing_runtimes = adapters_.missing_runtimes;
        cluster_options roles{.cluster_cidr = adapters_.place.cluster_cidr(),
                              .policy = options_.policy,
                              .version = options_.version,
                              .restart_delay_max = options_.restart_delay_max,
                              .out = options_.out};
        cluster_.emplace(executor_, ports, std::move(roles));
        auto const started = co_await cluster_->start();
        if (started) co_return result<void>{};
        cluster_.reset();
        co_await clean_up();
        co_return started.error();
    }

    awaitable<> stop() {
        if (cluster_) co_await cluster_->stop();
        co_await on_strand(adapters_.strand, adapters_.stop());
    }

    operations& api() { return cluster_->api(); }
    awaitable<role_health> health() { return cluster_->health(); }
    awaitable<error> failure() { return cluster_->failure(); }

private:
    awaitable<> clean_up() { return on_strand(adapters_.strand, adapters_.clean_up(options_.out)); }

    asio::any_io_executor executor_;
    local_options options_;
    detail::adapters adapters_;
    sqlite_journal primary_disk_;
    sqlite_journal node_disk_;
    std::optional<cluster> cluster_;
};

local_cluster::local_cluster(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
local_cluster::~local_cluster() = default;
operations& local_cluster::api() { return impl_->api(); }
awaitable<role_health> local_cluster::health() { return impl_->health(); }
awaitable<error> local_cluster::failure() { return impl_->failure(); }
awaitable<> local_cluster::stop() { return shield(impl_->stop()); }

awaitable<result<void>> local_cluster::start(impl& inner) {
    auto started = co_await inner.start();
    if (!started) co_await inner.stop();
    co_return started;
}

awaitable<result<std::unique_ptr<local_cluster>>> local_cluster::open(asio::any_io_executor executor,
                                                                      local_options options) {
    auto inner = std::make_unique<impl>(std::move(executor), std::move(options));
    auto const started = co_await shield(start(*inner));
    if (!started) co_return started.error();
    co_return std::unique_ptr<local_cluster>(new local_cluster(std::move(inner)));
}

namespace {

awaitable<result<void>> remove_from(detail::adapters& machine, local_options options) {
    auto const out = options.out;
    auto done = co_await machine.open_to_remove(std::move(options));
    if (done) done = co_await machine.remove_all();
    if (!done) co_await machine.clean_up(out);
    co_await machine.stop();
    if (done) done = machine.place.remove(out);
    co_return done;
}

}  // namespace

awaitable<result<void>> reset(asio::any_io_executor executor, local_options options) {
    detail::adapters machine(std::move(executor));
    auto removing = on_strand(machine.strand, remove_from(machine, std::move(options)));
    co_return co_await shield(std::move(removing));
}

}  // namespace rik
