#include "role_parts_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/async/strand.hpp>

#include <utility>

namespace rik::detail {

namespace {

template <class Role>
awaitable<role_health> health_of(Role const& role) {
    co_return role.health();
}

std::vector<node_runtime> runtimes_of(adapters& machine) {
    std::vector<node_runtime> all{{*machine.containers, *machine.pulled}};
    for (auto const& each : machine.other_runtimes()) all.push_back(each);
    return all;
}

}  // namespace

scheduler_part::scheduler_part(asio::any_io_executor executor, std::string listen, local_options const& options)
    : strand_(make_strand_of(executor)),
      links_(strand_, time_, std::move(listen), {.version = options.version}, options.out),
      role_(strand_, {time_, links_.primaries(), links_.nodes()}, {.policy = options.policy, .out = options.out}) {}

awaitable<result<void>> scheduler_part::start_here() {
    auto listening = links_.start();
    if (listening) role_.start();
    is_started_ = listening.has_value();
    co_return listening;
}

awaitable<> scheduler_part::stop_here() {
    if (is_started_) co_await role_.stop();
    co_await links_.stop();
}

awaitable<result<void>> scheduler_part::start() { return on_strand(strand_, start_here()); }
awaitable<role_health> scheduler_part::health() { return on_strand(strand_, health_of(role_)); }
awaitable<> scheduler_part::stop() { return on_strand(strand_, stop_here()); }

primary_part::primary_part(asio::any_io_executor executor, directories const& place, std::string const& scheduler,
                           local_options const& options)
    : strand_(make_strand_of(executor)),
      disk_(place.state_dir() / "primary" / "state.db", disk_thread_.executor()),
      link_(scheduler, {.version = options.version}),
      role_(strand_, {time_, random_, disk_, link_, link_},
            {.cluster_cidr = place.cluster_cidr(), .policy = options.policy, .out = options.out}) {}

awaitable<result<void>> primary_part::start() {
    auto started = co_await on_strand(strand_, role_.start());
    is_started_ = started.has_value();
    co_return started;
}

awaitable<error> primary_part::failure() { return on_strand(strand_, role_.failure()); }

awaitable<role_health> primary_part::health() { return on_strand(strand_, health_of(role_)); }

awaitable<> primary_part::stop() {
    if (is_started_) co_await on_strand(strand_, role_.stop());
}

node_part::node_part(adapters& machine, std::string const& scheduler, local_options const& options)
    : machine_(machine),
      disk_(machine.place.state_dir() / "node" / "state.db", machine.node_disk.executor()),
      link_(scheduler, {.version = options.version}),
      role_(machine.strand,
            {machine.time, machine.random, disk_, link_, link_, runtimes_of(machine), *machine.pods, *machine.machine,
             machine.probes, machine.missing_runtimes},
            {.version = options.version, .out = options.out, .restart_delay_max = options.restart_delay_max}) {}

awaitable<result<void>> node_part::start() {
    auto started = co_await on_strand(machine_.strand, role_.start());
    is_started_ = started.has_value();
    co_return started;
}

awaitable<error> node_part::failure() { return on_strand(machine_.strand, role_.failure()); }

awaitable<role_health> node_part::health() { return on_strand(machine_.strand, health_of(role_)); }

awaitable<> node_part::stop() {
    if (is_started_) co_await on_strand(machine_.strand, role_.stop());
}

}  // namespace rik::detail
