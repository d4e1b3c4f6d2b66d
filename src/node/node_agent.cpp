#include <rik/node/node_agent.hpp>

#include "impl_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

node_agent::impl::impl(asio::any_io_executor strand, node_ports ports, node_options options)
    : strand_(strand),
      ports_(ports),
      options_(std::move(options)),
      disk_(strand, ports.disk),
      orphan_gone_(strand),
      starts_(strand, limits::starts_at_once_max),
      usage_(ports.time, options_.out, [this] { return running_instances(); }),
      due_(strand),
      beat_changed_(strand),
      room_changed_(strand),
      network_changed_(strand),
      failure_(strand),
      writing_(strand),
      tasks_(strand) {}

awaitable<result<void>> node_agent::impl::start() {
    auto const begun = co_await begin();
    if (!begun) co_await stop();
    co_return begun;
}

awaitable<result<void>> node_agent::impl::begin() {
    auto const contents = co_await disk_.open();
    if (!contents) co_return contents.error();
    auto const read = read_rows(*contents);
    if (!read) co_return read.error();
    writing_.spawn(flush());
    auto described = co_await ports_.machine.describe();
    if (!described) co_return described.error();
    facts_ = std::move(*described);
    facts_.runtimes.emplace_back(ports_.containers.name());
    facts_.version = options_.version;
    auto const taken = co_await take_over();
    if (!taken) co_return taken.error();
    tasks_.spawn(keep_network());
    tasks_.spawn(watch_load());
    tasks_.spawn(usage_.run());
    tasks_.spawn(connect());
    tasks_.spawn(announce_flushes());
    tasks_.spawn(beat());
    co_return result<void>{};
}

awaitable<> node_agent::impl::flush() {
    failed_ = co_await disk_.run();
    failure_.notify();
}

awaitable<error> node_agent::impl::failure() {
    while (!failed_) co_await failure_.wait();
    error told = *failed_;
    told.message = fmt::format("the node's disk cannot be written: {}", told.message);
    co_return told;
}

/// Ends the agent's own work, and then writes what that has decided. No container is stopped.
awaitable<> node_agent::impl::stop() {
    if (connection_) connection_->link->close();
    co_await tasks_.stop();
    auto const records = instances_;
    for (auto const& [id, mine] : records) co_await mine->work.stop();
    auto const streams = std::exchange(dialled_streams_, {});
    for (auto const& each : streams) co_await each->work.stop();
    auto const flushed = co_await disk_.wait_durable();
    if (!flushed)
        options_.out.warning("stopped with states that are not on disk", {{"error", to_string(flushed.error())}});
    co_await writing_.stop();
}

node_agent::node_agent(asio::any_io_executor strand, node_ports ports, node_options options)
    : impl_(std::make_unique<impl>(std::move(strand), ports, std::move(options))) {}
node_agent::~node_agent() = default;
awaitable<result<void>> node_agent::start() { return impl_->start(); }
cluster_id node_agent::cluster() const { return impl_->cluster(); }
awaitable<error> node_agent::failure() { return impl_->failure(); }
awaitable<> node_agent::stop() { return shield(impl_->stop()); }

}  // namespace rik
