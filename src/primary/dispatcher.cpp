#include "dispatcher_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rik::detail {

namespace {

/// Takes a batch off the end of `all`: its items, and with the last of them everything else.
facts pop_batch(facts& all) {
    facts batch{.at = all.at, .everything = all.everything, .cluster = all.cluster, .cluster_cidr = all.cluster_cidr};
    auto const count = std::min(all.items.size(), limits::batch_items_max);
    auto const from = all.items.end() - static_cast<std::ptrdiff_t>(count);
    std::move(from, all.items.end(), std::back_inserter(batch.items));
    all.items.erase(from, all.items.end());
    batch.complete = all.items.empty();
    if (!batch.complete) return batch;
    batch.removed = std::move(all.removed);
    batch.refused = std::move(all.refused);
    batch.nodes = std::move(all.nodes);
    batch.streams = std::move(all.streams);
    return batch;
}

}  // namespace

dispatcher::dispatcher(clock& time, connector<scheduler_session>& scheduler, cluster_state& state, due_facts& due,
                       std::string cluster_cidr, log const& out)
    : time_(time), scheduler_(scheduler), state_(state), due_(due), cluster_cidr_(std::move(cluster_cidr)), out_(out) {}

awaitable<> dispatcher::run(task_group& tasks, reader read) {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto link = co_await scheduler_.connect();
        if (!link) {
            co_await time_.sleep_for(pause);
            pause = std::min(pause * 2, limits::reconnect_pause_max);
            continue;
        }
        auto const current = std::make_shared<scheduler_connection>();
        current->link = std::move(*link);
        connection_ = current;
        due_.mark_everything();
        out_.info("connected to the scheduler");
        tasks.spawn(read(current));
        co_await send(current);
        current->is_over = true;
        connection_.reset();
        out_.warning("lost the scheduler; nothing new is placed until it is back");
        if (!current->is_refused) pause = limits::reconnect_pause_min;
        co_await time_.sleep_for(pause);
        if (current->is_refused) pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<> dispatcher::send(connection_ptr to) {
    for (;;) {
        while (!to->is_closed && due_.is_empty()) co_await due_.wait();
        if (to->is_closed) co_return;
        auto news = due_.drain(state_.durable());
        news.cluster = state_.cluster();
        news.cluster_cidr = cluster_cidr_;
        auto const sent = co_await send_in_batches(to, std::move(news));
        if (!sent) co_return;
    }
}

awaitable<result<void>> dispatcher::send_in_batches(connection_ptr to, facts all) {
    do {
        auto batch = pop_batch(all);
        auto const sent = co_await to->link->send(std::move(batch));
        if (!sent) co_return sent;
    } while (!all.items.empty());
    co_return result<void>{};
}

/// A watcher that fell behind loses nothing: the scheduler gets everything anew.
template <class Row>
awaitable<> dispatcher::mark_changes() {
    for (;;) {
        auto const watch = state_.watch({.table = table<Row>::id});
        for (;;) {
            auto const changes = co_await watch->next();
            if (!changes) break;
            for (auto const& each : *changes) {
                auto const& row = std::get<row_change<Row>>(each.row);
                due_.mark(table<Row>::key_of(row.after ? *row.after : *row.before));
            }
        }
        if (state_.failed() || is_stopping_) co_return;
        due_.mark_everything();
    }
}

template awaitable<> dispatcher::mark_changes<instance>();
template awaitable<> dispatcher::mark_changes<node>();

void dispatcher::disconnect() {
    is_stopping_ = true;
    if (connection_) connection_->link->close();
}

}  // namespace rik::detail
