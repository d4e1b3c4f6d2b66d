#include <rik/cluster.hpp>

#include <rik/async/shield.hpp>
#include <rik/async/strand.hpp>
#include <rik/link/local_link.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/primary/primary.hpp>
#include <rik/scheduler/scheduler.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <utility>
#include <variant>

namespace rik {

namespace {

std::vector<node_runtime> runtimes_of(cluster_ports const& ports) {
    std::vector<node_runtime> all{{ports.containers, ports.pulled}};
    for (auto const& each : ports.other_runtimes) all.push_back(each);
    return all;
}

}  // namespace

class cluster::impl {
public:
    impl(asio::any_io_executor executor, cluster_ports ports, cluster_options options)
        : primary_strand_(make_strand_of(executor)),
          scheduler_strand_(make_strand_of(executor)),
          node_strand_(ports.node_strand ? ports.node_strand : make_strand_of(executor)),
          primary_edge_(scheduler_strand_),
          node_edge_(scheduler_strand_),
          streams_(primary_strand_),
          primary_(primary_strand_, {ports.time, ports.random, ports.primary_disk, primary_edge_, streams_},
                   {.cluster_cidr = options.cluster_cidr, .policy = options.policy, .out = options.out}),
          scheduler_(scheduler_strand_, {ports.time, primary_edge_, node_edge_},
                     {.policy = options.policy, .out = options.out}),
          node_(node_strand_,
                {ports.time, ports.random, ports.node_disk, node_edge_, streams_, runtimes_of(ports), ports.pods,
                 ports.machine, ports.probes, ports.missing_runtimes},
                {.version = options.version, .out = options.out, .restart_delay_max = options.restart_delay_max}) {}

    awaitable<result<void>> start() {
        auto const kept = co_await on_strand(primary_strand_, primary_.start());
        if (!kept) co_return kept.error();
        co_await on_strand(scheduler_strand_, start_scheduler());
        auto joined = co_await on_strand(node_strand_, node_.start());
        if (joined) joined = co_await on_strand(node_strand_, check_cluster());
        if (!joined) co_await stop();
        co_return joined;
    }

    awaitable<error> failure() {
        using namespace asio::experimental::awaitable_operators;
        auto first =
            co_await (on_strand(primary_strand_, primary_.failure()) || on_strand(node_strand_, node_.failure()));
        co_return std::visit([](auto& why) { return std::move(why); }, first);
    }

    awaitable<> stop() {
        co_await on_strand(node_strand_, node_.stop());
        co_await on_strand(scheduler_strand_, scheduler_.stop());
        co_await on_strand(primary_strand_, primary_.stop());
    }

    awaitable<role_health> health() {
        auto all = co_await on_strand(primary_strand_, health_of(primary_));
        auto scheduling = co_await on_strand(scheduler_strand_, health_of(scheduler_));
        add(all, std::move(scheduling));
        auto running = co_await on_strand(node_strand_, health_of(node_));
        add(all, std::move(running));
        co_return all;
    }

    operations& api() { return primary_; }

private:
    /// The scheduler would refuse this node for ever, and what it runs would be nobody's.
    awaitable<result<void>> check_cluster() {
        auto const known = node_.cluster();
        auto const wanted = co_await on_strand(primary_strand_, cluster_of_primary());
        if (known.is_nil() || known == wanted) co_return result<void>{};
        co_return error{errc::conflict,
                        "the node has joined another cluster than the primary's: the store of one of them was replaced",
                        {},
                        "put both stores back from one backup; or rik reset, which removes the instances too"};
    }
    awaitable<cluster_id> cluster_of_primary() { co_return primary_.cluster(); }

    awaitable<> start_scheduler() {
        scheduler_.start();
        co_return;
    }

    template <class Role>
    static awaitable<role_health> health_of(Role const& role) {
        co_return role.health();
    }

    asio::any_io_executor primary_strand_;
    asio::any_io_executor scheduler_strand_;
    asio::any_io_executor node_strand_;
    local_primary_edge primary_edge_;
    local_node_edge node_edge_;
    local_streams streams_;
    primary primary_;
    scheduler scheduler_;
    node_agent node_;
};

cluster::cluster(asio::any_io_executor executor, cluster_ports ports, cluster_options options)
    : impl_(std::make_unique<impl>(std::move(executor), ports, std::move(options))) {}
cluster::~cluster() = default;
awaitable<result<void>> cluster::start() { return impl_->start(); }
awaitable<error> cluster::failure() { return impl_->failure(); }
awaitable<role_health> cluster::health() { return impl_->health(); }
awaitable<> cluster::stop() { return shield(impl_->stop()); }
operations& cluster::api() { return impl_->api(); }

}  // namespace rik
