#include <rik/node/node_agent.hpp>

#include "impl_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

node_agent::impl::impl(asio::any_io_executor strand, node_ports ports, node_options options)
    : strand_(strand),
      ports_(std::move(ports)),
      options_(std::move(options)),
      disk_(strand, ports_.disk),
      news_(strand),
      records_(strand, ports_.time, disk_, options_.out, news_),
      pods_(strand, ports_.time, ports_.pods, records_, options_.out, [this] { settle_troubles(); }),
      room_(strand, records_, facts_),
      orphans_(strand, ports_.time, pods_, room_, options_.out,
               [this](instance_id const& id, revision fence) { link_.tell_gone(id, fence); }),
      starts_(strand, limits::starts_at_once_max),
      removals_(strand, ports_.time, starts_),
      usage_(ports_.time, options_.out, [this] { return running_instances(); }),
      streams_(strand, {ports_.time, ports_.streams, ports_.runtimes, records_, usage_, options_.out}),
      storage_(strand, {.time = ports_.time,
                        .machine = ports_.machine,
                        .disk = disk_,
                        .records = records_,
                        .runtimes = ports_.runtimes,
                        .out = options_.out,
                        .pressure_changed = [this] { settle_troubles(); }}),
      load_(ports_.time, ports_.machine, options_.out,
            {.pressure_changed = [this] { settle_troubles(); },
             .room_measured = [this](disk_room now) { storage_.take(std::move(now)); },
             .is_due = [this] { link_.tell_load(load_.told()); }}),
      link_(strand, {.time = ports_.time,
                     .random = ports_.random,
                     .scheduler = ports_.scheduler,
                     .disk = disk_,
                     .records = records_,
                     .pods = pods_,
                     .strays = orphans_,
                     .facts = facts_,
                     .news = news_,
                     .out = options_.out,
                     .batch = options_.batch,
                     .begin = [this](detail::node_instance_ptr mine) { begin_actor(std::move(mine)); },
                     .answer = [this](stream_request asked) { streams_.answer(std::move(asked)); }}),
      context_{.strand = strand,
               .time = ports_.time,
               .disk = disk_,
               .records = records_,
               .pods = pods_,
               .room = room_,
               .strays = orphans_,
               .starts = starts_,
               .removals = removals_,
               .probes = ports_.probes,
               .runtimes = ports_.runtimes,
               .facts = facts_,
               .out = options_.out,
               .restart_delay_max = options_.restart_delay_max,
               .storage = storage_,
               .tell_gone = [this](detail::node_instance& mine) { link_.forget(mine); }},
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
    auto read = records_.read(*contents);
    if (read) read = link_.read(*contents);
    if (!read) co_return read.error();
    writing_.spawn(flush());
    auto const described = co_await describe();
    if (!described) co_return described.error();
    auto const taken = co_await take_over();
    if (!taken) co_return taken.error();
    tasks_.spawn(pods_.run());
    tasks_.spawn(load_.run());
    tasks_.spawn(storage_.run());
    tasks_.spawn(usage_.run());
    link_.start();
    co_return result<void>{};
}

awaitable<result<void>> node_agent::impl::describe() {
    auto described = co_await ports_.machine.describe();
    if (!described) co_return described.error();
    facts_ = std::move(*described);
    for (auto const& each : ports_.runtimes) facts_.runtimes.emplace_back(each.containers.name());
    facts_.missing_runtimes = ports_.missing_runtimes;
    facts_.version = options_.version;
    co_return result<void>{};
}

awaitable<result<void>> node_agent::impl::take_over() {
    for (auto const& each : ports_.runtimes) {
        auto found = co_await each.containers.list();
        if (!found) co_return found.error();
        for (auto& sandbox : *found) match(each.containers, std::move(sandbox));
    }
    for (auto const& [id, mine] : records_.all()) {
        pods_.reserve(*mine);
        begin_actor(mine);
    }
    co_return result<void>{};
}

void node_agent::impl::match(runtime& of, found_sandbox sandbox) {
    auto const owner = records_.find(sandbox.instance);
    if (owner == nullptr) return orphans_.remove(of, sandbox);
    owner->has_room = detail::has_running(sandbox);
    owner->found = std::move(sandbox);
}

void node_agent::impl::begin_actor(detail::node_instance_ptr mine) {
    auto const id = mine->id();
    auto const actor = std::make_shared<detail::pod_actor>(std::move(mine), context_);
    actors_[id] = actor;
    tasks_.spawn(act_for(actor));
}

awaitable<> node_agent::impl::act_for(std::shared_ptr<detail::pod_actor> actor) {
    auto const id = actor->id();
    co_await actor->run();
    co_await actor->stop();  // it may have given up: the disk has failed
    actors_.erase(id);
}

void node_agent::impl::settle_troubles() {
    facts_.troubles = load_.pressure();
    facts_.troubles.insert(facts_.troubles.end(), storage_.pressure().begin(), storage_.pressure().end());
    if (!pods_.problem().empty()) facts_.troubles.insert(facts_.troubles.begin(), {"NetworkNotReady", pods_.problem()});
    link_.tell_troubles();
}

std::vector<detail::measured_instance> node_agent::impl::running_instances() const {
    std::vector<detail::measured_instance> all;
    for (auto const& [id, mine] : records_.all()) {
        auto const* const by = detail::find_runtime(ports_.runtimes, runtime_name(mine->spec().form));
        if (by == nullptr || mine->fields.status.state != instance_state::running) continue;
        all.push_back({id, mine->fields.made_from->definition->tenant, mine->fields.name, &by->containers});
    }
    return all;
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
    co_await link_.stop();
    co_await tasks_.stop();
    co_await orphans_.stop();
    auto const actors = actors_;
    for (auto const& [id, each] : actors) co_await each->stop();
    co_await streams_.stop();
    auto const flushed = co_await disk_.wait_durable();
    if (!flushed)
        options_.out.warning("stopped with states that are not on disk", {{"error", to_string(flushed.error())}});
    co_await writing_.stop();
}

node_agent::node_agent(asio::any_io_executor strand, node_ports ports, node_options options)
    : impl_(std::make_unique<impl>(std::move(strand), std::move(ports), std::move(options))) {}
node_agent::~node_agent() = default;
awaitable<result<void>> node_agent::start() { return impl_->start(); }
cluster_id node_agent::cluster() const { return impl_->cluster(); }
awaitable<error> node_agent::failure() { return impl_->failure(); }
awaitable<> node_agent::stop() { return shield(impl_->stop()); }

}  // namespace rik
