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
        co_await ports_.time.sleep_for(limits::heartbeat_period);
        auto const now = ports_.time.now();
        for (auto const& [id, peer] : peers_) {
            if (now - peer->heard_at < limits::unheard_after) continue;
            peer->is_silent = true;
            close(*peer);
        }
        if (now >= awaited_until_) awaited_.clear();
        if (awaited_.empty()) cache_.tell_failures();
        report_lost();
        cache_.retry_refused();
        place_due_.notify();
    }
}

void scheduler::impl::report_lost() {
    std::erase_if(lost_at_, [this](auto const& each) { return report_if_lost(each.first, each.second); });
}

bool scheduler::impl::report_if_lost(node_id const& node, time_point since) {
    if (!primary_ || ports_.time.now() - since < limits::unheard_after) return false;
    report_node(node_report{node, false, std::nullopt});
    return true;
}

scheduler::scheduler(asio::any_io_executor strand, scheduler_ports ports, scheduler_options options)
    : impl_(std::make_unique<impl>(std::move(strand), ports, std::move(options))) {}
scheduler::~scheduler() = default;
void scheduler::start() { impl_->start(); }
awaitable<> scheduler::stop() { return impl_->stop(); }

}  // namespace rik
