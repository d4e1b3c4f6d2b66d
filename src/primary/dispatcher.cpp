#include "dispatcher_detail.hpp"

#include <rik/async/backoff.hpp>
#include <rik/base/limits.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <concepts>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t everything_step_max = 1'000;  ///< rows that are looked at for one message

}  // namespace

dispatcher::dispatcher(asio::any_io_executor strand, clock& time, entropy& random,
                       connector<scheduler_session>& scheduler, cluster_state& state, due_facts& due,
                       scheduler_absence& absence, std::string cluster_cidr, batch_limits batch, log const& out)
    : strand_(std::move(strand)),
      time_(time),
      random_(random),
      scheduler_(scheduler),
      state_(state),
      due_(due),
      absence_(absence),
      cluster_cidr_(std::move(cluster_cidr)),
      batch_(batch),
      out_(out) {}

awaitable<> dispatcher::run(task_group& tasks, reader read) {
    backoff pauses(limits::reconnect_pause_min, limits::reconnect_pause_max);
    std::string last_problem;
    for (;;) {
        auto link = co_await scheduler_.connect();
        auto problem = link ? std::string() : link.error().message;
        if (!problem.empty() && problem != last_problem)
            out_.warning("the scheduler cannot be reached; it is tried again", {{"why", problem}});
        last_problem = std::move(problem);
        if (!link) {
            co_await time_.sleep_for(pauses.next(random_));
            continue;
        }
        auto const current = std::make_shared<scheduler_connection>();
        current->link = std::move(*link);
        connection_ = current;
        auto const began = time_.now();
        due_.mark_everything();
        absence_.note_connected();
        out_.info("connected to the scheduler");
        tasks.spawn(read(current));
        co_await send(current);
        current->is_over = true;
        connection_.reset();
        absence_.note_lost();
        out_.warning("lost the scheduler; nothing new is placed until it is back");
        auto const has_lasted = time_.now() - began >= session_lasting;
        if (!current->is_refused && has_lasted) pauses.reset();
        co_await time_.sleep_for(pauses.next(random_));
    }
}

awaitable<> dispatcher::send(connection_ptr to) {
    for (;;) {
        while (!to->is_closed && due_.is_empty()) co_await due_.wait();
        if (to->is_closed) co_return;
        auto sending =
            due_.drain_everything() ? send_everything(to) : send_batch(to, due_.drain(state_.durable(), batch_));
        auto const sent = co_await std::move(sending);
        if (!sent) co_return;
    }
}

/// Batch by batch in the order of names, so that the strand is not held long. What changes between two of them is due
/// by itself afterwards. The scheduler uses none of it before the last.
awaitable<result<void>> dispatcher::send_everything(connection_ptr to) {
    auto const at = state_.durable().at();
    std::string after;
    for (;;) {
        auto batch = next_of_everything(after);
        batch.at = at;
        auto const is_last = batch.complete;
        auto const sent = co_await send_batch(to, std::move(batch));
        if (!sent || is_last) co_return sent;
        co_await asio::post(strand_, asio::use_awaitable);
    }
}

facts dispatcher::next_of_everything(std::string& after) const {
    auto const& rows = state_.durable();
    facts batch{.everything = true};
    batch_room room(batch_);
    auto const some = rows.list_after<instance>({}, after, everything_step_max);
    for (auto const& row : some) {
        auto said = item_of(*row, rows);
        if (!is_placed_here(*row)) {
            if (!room.take(said)) return batch;
            batch.items.push_back(std::move(said));
        }
        after = table<instance>::name_of(*row);
    }
    if (some.size() == everything_step_max) return batch;
    batch.complete = true;
    for (auto const& row : rows.list<node>()) batch.nodes.push_back(registered(*row));
    return batch;
}

awaitable<result<void>> dispatcher::send_batch(connection_ptr to, facts batch) {
    batch.cluster = state_.cluster();
    batch.cluster_cidr = cluster_cidr_;
    return to->link->send(std::move(batch));
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
                if constexpr (std::same_as<Row, node>) mark_unpermitted(row);
            }
        }
        if (state_.failed() || is_stopping_) co_return;
        due_.mark_everything();
    }
}

void dispatcher::mark_unpermitted(row_change<node> const& changed) {
    for (auto const& each : list_unpermitted(changed.before.get(), changed.after.get(), state_.durable()))
        due_.mark(each);
}

template awaitable<> dispatcher::mark_changes<instance>();
template awaitable<> dispatcher::mark_changes<node>();

void dispatcher::disconnect() {
    is_stopping_ = true;
    if (connection_) connection_->link->close();
}

}  // namespace rik::detail
