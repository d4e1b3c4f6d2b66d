#include <rik/primary/primary.hpp>

#include "bindings_detail.hpp"
#include "clock_watch_detail.hpp"
#include "cluster_state_detail.hpp"
#include "dispatcher_detail.hpp"
#include "events_detail.hpp"
#include "images_detail.hpp"
#include "instances_detail.hpp"
#include "node_registry_detail.hpp"
#include "nodes_detail.hpp"
#include "report_reader_detail.hpp"
#include "scheduler_absence_detail.hpp"
#include "streams_detail.hpp"
#include "tenants_detail.hpp"
#include "upkeep_detail.hpp"
#include "usages_detail.hpp"
#include "workload_keeper_detail.hpp"
#include "workloads_detail.hpp"

#include <rik/async/task_group.hpp>
#include <rik/base/ipv4.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

/// Wires the parts together, starts them and stops them. It decides nothing.
class primary::impl {
public:
    impl(asio::any_io_executor strand, primary_ports ports, primary_options options);

    awaitable<result<void>> start();
    awaitable<error> failure();
    awaitable<> stop();
    awaitable<result<void>> ready();
    cluster_id cluster() const { return state_.cluster(); }
    role_health health() const;

private:
    void spawn_tasks();
    awaitable<> trim_events();
    result<void> ready_here() const;

    primary_options options_;
    clock& time_;
    detail::cluster_state state_;
    detail::gate gate_;
    detail::due_facts due_;
    detail::event_writer writer_;
    detail::removals removals_;
    detail::node_registry registry_;
    detail::scheduler_absence absence_;
    detail::dispatcher dispatcher_;
    detail::bindings bindings_;
    detail::report_reader reports_;
    detail::node_streams node_streams_;
    detail::instance_creation creation_;
    detail::workload_creation workload_creation_;
    detail::workload_keeper keeper_;

public:
    detail::primary_workloads workloads;
    detail::primary_upkeep upkeep;
    detail::primary_instances instances;
    detail::primary_nodes nodes;
    detail::primary_images images;
    detail::primary_usages usages;
    detail::primary_events events;
    detail::primary_tenants tenants;
    detail::primary_streams streams;

private:
    task_group tasks_;  // last member: the tasks use everything above
};

primary::impl::impl(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : options_(std::move(options)),
      time_(ports.time),
      state_(strand, ports.disk, ports.random, ports.time),
      gate_(strand),
      due_(strand),
      writer_(ports.time, state_),
      removals_(strand, ports.time, state_, writer_, options_.out),
      registry_(ports.time, state_, writer_, due_, {options_.cluster_cidr, options_.node_prefix_bits}, options_.out),
      absence_(strand, ports.time, state_, registry_, options_.unheard_after, options_.out),
      dispatcher_(strand, ports.time, ports.random, ports.scheduler, state_, due_, absence_, options_.cluster_cidr,
                  options_.batch, options_.out),
      bindings_(ports.time, ports.random, state_, writer_, removals_, due_, options_.policy, options_.out),
      reports_(strand, state_, registry_, bindings_, removals_, due_, absence_, options_.out),
      node_streams_(ports.time, ports.random, ports.streams, due_, gate_),
      creation_(strand, gate_, ports.time, ports.random, state_, writer_, removals_, options_.out),
      workload_creation_(ports.time, ports.random, state_, writer_, creation_),
      keeper_(strand, ports.time, state_,
              detail::plan_writer(ports.time, ports.random, state_, writer_, creation_, removals_, options_.policy),
              detail::cron_jobs(ports.time, state_, writer_, workload_creation_, removals_, options_.out), removals_,
              detail::replacement_guard(ports.time, state_, registry_, absence_, options_.out), options_.out),
      workloads(strand, gate_, ports.time, ports.random, state_, writer_, workload_creation_, removals_, keeper_),
      upkeep(strand, gate_, ports.time, state_, writer_, workloads, keeper_),
      instances(strand, gate_, state_, writer_, creation_, removals_),
      nodes(strand, gate_, ports.time, state_, writer_, removals_, registry_),
      images(gate_, state_, dispatcher_, node_streams_),
      usages(strand, gate_, ports.time, state_, dispatcher_, node_streams_, instances),
      events(strand, gate_, state_),
      tenants(strand, gate_, ports.time, ports.random, state_, writer_, removals_, options_.out),
      streams(strand, gate_, ports.time, state_, dispatcher_, node_streams_),
      tasks_(strand) {}

awaitable<result<void>> primary::impl::start() {
    auto const range = parse_cluster_cidr(options_.cluster_cidr, options_.node_prefix_bits);
    if (!range) co_return range.error();
    auto const opened = co_await state_.open();
    if (!opened) co_return opened;
    auto const known = tenants.adopt();
    if (!known) co_return known;
    gate_.open();
    spawn_tasks();
    co_return result<void>{};
}

void primary::impl::spawn_tasks() {
    tasks_.spawn(state_.flush());
    tasks_.spawn(state_.write_held_events());
    tasks_.spawn(dispatcher_.mark_instances());
    tasks_.spawn(dispatcher_.mark_nodes());
    tasks_.spawn(removals_.finish_deletions());
    tasks_.spawn(absence_.watch());
    tasks_.spawn(removals_.end_tenants());
    tasks_.spawn(removals_.end_releases());
    tasks_.spawn(removals_.end_workloads());
    tasks_.spawn(keeper_.mark_changes<workload>());
    tasks_.spawn(keeper_.mark_changes<instance>());
    tasks_.spawn(keeper_.mark_changes<node>());
    tasks_.spawn(keeper_.run());
    tasks_.spawn(detail::watch_wall_clock(time_, keeper_, options_.out));
    tasks_.spawn(trim_events());
    auto read = [this](detail::connection_ptr from) { return reports_.read(std::move(from)); };
    tasks_.spawn(dispatcher_.run(tasks_, std::move(read)));
}

/// There may be more events than the limit when another release wrote them.
awaitable<> primary::impl::trim_events() {
    while (state_.events().size() > limits::events_count_max) {
        transaction nothing_new;
        auto const done = co_await state_.commit(std::move(nothing_new));
        if (done) continue;
        options_.out.error("old events not removed", {{"error", to_string(done.error())}});
        co_return;
    }
}

awaitable<error> primary::impl::failure() {
    auto told = co_await state_.failure();
    told.message = fmt::format("the primary's store cannot be written: {}", told.message);
    co_return told;
}

awaitable<> primary::impl::stop() {
    dispatcher_.disconnect();
    co_await gate_.close();  // while the disk still takes what callers have to finish, or to take back
    // What rides along is not lost by an orderly stop. After a failed flush these return at once.
    auto flushed = co_await state_.write_backlog();
    if (flushed) flushed = co_await state_.wait_durable();
    if (!flushed)
        options_.out.warning("stopped with changes that are not on disk", {{"error", to_string(flushed.error())}});
    co_await tasks_.stop();
}

awaitable<result<void>> primary::impl::ready() {
    return gate_.read(std::nullopt, [this] { return ready_here(); });
}

result<void> primary::impl::ready_here() const {
    if (auto const& why = state_.failed())
        return error{errc::unavailable, "the store has stopped: " + why->message, {}, why->remedy};
    if (!dispatcher_.is_connected()) return error{errc::unavailable, "no scheduler is connected"};
    return {};
}

role_health primary::impl::health() const {
    role_health made{.ready = ready_here()};
    auto const add = [&made](char const* name, char const* help, auto value) {
        made.metrics.push_back(make_gauge(name, help, static_cast<double>(value)));
    };
    auto const& rows = state_.durable();
    add("rik_primary_scheduler_connected", "1 while a scheduler is connected.", dispatcher_.is_connected() ? 1 : 0);
    add("rik_primary_revision", "The newest revision that is on disk.", rows.at());
    add("rik_primary_workloads", "Workloads that are kept.", rows.count<workload>());
    add("rik_primary_instances", "Instances that are kept.", rows.count<instance>());
    add("rik_primary_nodes", "Nodes that are registered.", rows.count<node>());
    made.metrics.push_back({.name = "rik_primary_workload_looks_total",
                            .help = "How often managed workloads were looked at since the start.",
                            .type = metric_type::counter,
                            .samples = {{static_cast<double>(keeper_.looks_count())}}});
    return made;
}

primary::primary(asio::any_io_executor strand, primary_ports ports, primary_options options)
    : impl_(std::make_unique<impl>(std::move(strand), ports, std::move(options))) {}
primary::~primary() = default;
awaitable<result<void>> primary::start() { return impl_->start(); }
cluster_id primary::cluster() const { return impl_->cluster(); }
role_health primary::health() const { return impl_->health(); }
awaitable<error> primary::failure() { return impl_->failure(); }
awaitable<> primary::stop() { return impl_->stop(); }
awaitable<result<void>> primary::ready() { return impl_->ready(); }
workload_operations& primary::workloads() { return impl_->workloads; }
upkeep_operations& primary::upkeep() { return impl_->upkeep; }
instance_operations& primary::instances() { return impl_->instances; }
node_operations& primary::nodes() { return impl_->nodes; }
image_operations& primary::images() { return impl_->images; }
usage_operations& primary::usages() { return impl_->usages; }
event_operations& primary::events() { return impl_->events; }
tenant_operations& primary::tenants() { return impl_->tenants; }
stream_operations& primary::streams() { return impl_->streams; }

}  // namespace rik
