#include <rik/scheduler/scheduler.hpp>

#include "impl_detail.hpp"

#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace rik {

scheduler::impl::impl(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options)
    : strand_(strand),
      ports_(ports),
      options_(std::move(options)),
      cache_(options_.policy),
      place_due_(strand),
      report_due_(strand),
      tasks_(strand) {}

void scheduler::impl::start() {
    tasks_.spawn(accept_primaries());
    tasks_.spawn(accept_nodes());
    tasks_.spawn(place_pending());
    tasks_.spawn(send_reports());
    tasks_.spawn(sweep());
    tasks_.spawn(watch_silence());
}

awaitable<> scheduler::impl::stop() {
    for (auto const& [id, peer] : peers_) close(*peer);
    if (primary_) primary_->close();
    co_await tasks_.stop();
}

awaitable<> scheduler::impl::place_pending() {
    for (;;) {
        co_await place_due_.wait();
        while (primary_ && cache_.is_complete() && cache_.has_undecided()) {
            auto decided = cache_.place(limits::places_per_turn_max);
            for (auto const& each : decided.placed) outbox_.add(proposal{each.instance, each.node});
            for (auto& each : decided.unplaced)
                outbox_.add(no_place{std::move(each.instances), std::move(each.reason)});
            report_due_.notify();
            co_await asio::post(strand_, asio::use_awaitable);
        }
    }
}

awaitable<> scheduler::impl::sweep() {
    for (;;) {
        co_await ports_.time.sleep_for(limits::refusal_pause_max);
        if (ports_.time.now() >= awaited_until_) awaited_.clear();
        if (awaited_.empty()) cache_.tell_failures();
        cache_.retry_refused();
        place_due_.notify();
    }
}

/// Looks again when the one that was heard longest ago is overdue: whoever is heard meanwhile costs nothing here.
awaitable<> scheduler::impl::watch_silence() {
    for (;;) {
        auto const now = ports_.time.now();
        for (auto const& id : hearing_.take_silent(now - options_.unheard_after)) {
            unheard_.insert(id);
            if (auto const peer = peers_.find(id); peer != peers_.end()) close(*peer->second);
        }
        report_unheard();
        co_await ports_.time.sleep_until(hearing_.oldest().value_or(now) + options_.unheard_after);
    }
}

void scheduler::impl::report_unheard() {
    if (!primary_) return;
    for (auto const& id : std::exchange(unheard_, {})) report_node(node_report{id, false, std::nullopt});
}

scheduler::scheduler(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options)
    : impl_(std::make_unique<impl>(std::move(strand), ports, std::move(options))) {}
scheduler::~scheduler() = default;
void scheduler::start() { impl_->start(); }
awaitable<> scheduler::stop() { return impl_->stop(); }

}  // namespace rik
