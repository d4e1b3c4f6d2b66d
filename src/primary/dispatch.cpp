// What the scheduler must know: sets of what is due, built from durable rows only.
#include "impl_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>

namespace rik {

awaitable<> primary::impl::dispatch() {
    auto pause = limits::reconnect_pause_min;
    for (;;) {
        auto link = co_await ports_.scheduler.connect();
        if (!link) {
            co_await ports_.time.sleep_for(pause);
            pause = std::min(pause * 2, limits::reconnect_pause_max);
            continue;
        }
        auto const current = std::make_shared<connection>();
        current->link = std::move(*link);
        connection_ = current;
        everything_is_due_ = true;
        due_.notify();
        options_.out.info("connected to the scheduler");
        tasks_.spawn(read_reports(current));
        co_await send_facts(current);
        connection_.reset();
        options_.out.warning("lost the scheduler; nothing new is placed until it is back");
        if (!current->is_refused) pause = limits::reconnect_pause_min;
        co_await ports_.time.sleep_for(pause);
        if (current->is_refused) pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<> primary::impl::send_facts(connection_ptr to) {
    for (;;) {
        while (!to->is_closed && !everything_is_due_ && due_instances_.empty() && due_nodes_.empty() &&
               due_refusals_.empty() && due_streams_.empty())
            co_await due_.wait();
        if (to->is_closed) co_return;
        auto all = std::exchange(everything_is_due_, false) ? all_facts() : due_facts();
        do {
            facts chunk{.at = all.at, .everything = all.everything, .cluster = all.cluster};
            chunk.cluster_cidr = all.cluster_cidr;
            auto const count = std::min(all.items.size(), limits::batch_items_max);
            auto const from = all.items.end() - static_cast<std::ptrdiff_t>(count);
            std::move(from, all.items.end(), std::back_inserter(chunk.items));
            all.items.erase(from, all.items.end());
            chunk.complete = all.items.empty();
            if (chunk.complete) {
                chunk.removed = std::move(all.removed);
                chunk.refused = std::move(all.refused);
                chunk.nodes = std::move(all.nodes);
                chunk.streams = std::move(all.streams);
            }
            auto const sent = co_await to->link->send(std::move(chunk));
            if (!sent) co_return;
        } while (!all.items.empty());
    }
}

facts primary::impl::all_facts() const {
    facts all{.at = durable().at(), .everything = true, .cluster = cluster_};
    all.cluster_cidr = options_.cluster_cidr;
    for (auto const& row : durable().list<instance>()) all.items.push_back(item_of(*row));
    for (auto const& row : durable().list<node>()) all.nodes.push_back({row->id, row->pod_subnet, row->facts.name});
    return all;
}

facts primary::impl::due_facts() {
    facts news{.at = durable().at(), .cluster = cluster_, .cluster_cidr = options_.cluster_cidr};
    for (auto const& id : due_instances_) {
        if (auto const row = durable().find<instance>(id))
            news.items.push_back(item_of(*row));
        else
            news.removed.push_back(id);
    }
    for (auto const& id : due_nodes_)
        if (auto const row = durable().find<node>(id)) news.nodes.push_back({id, row->pod_subnet, row->facts.name});
    news.refused = std::exchange(due_refusals_, {});
    news.streams = std::exchange(due_streams_, {});
    due_instances_.clear();
    due_nodes_.clear();
    return news;
}

item primary::impl::item_of(instance const& row) const {
    item made{.instance = row.id(), .pod_release = row.pod_release()};
    made.name = row.name();
    if (row.owner() && !host_ports(row.pod()).empty())
        if (auto const owner = durable().find<workload>(*row.owner())) made.workload = owner->name;
    if (row.binding()) made.takes_room = row.takes_room();
    if (auto const& binding = row.binding()) {
        made.want = binding->condemned ? item_want::destroy : item_want::run;
        made.node = binding->node;
        made.fence = binding->fence;
    }
    return made;
}

/// A watcher that fell behind loses nothing: the scheduler gets everything anew.
template <class Row>
awaitable<> primary::impl::mark_due(std::set<typename table<Row>::key>& due) {
    for (;;) {
        auto const watch = store_.watch({.table = table<Row>::id});
        for (;;) {
            auto const changes = co_await watch->next();
            if (!changes) break;
            for (auto const& each : *changes) {
                auto const& row = std::get<row_change<Row>>(each.row);
                due.insert(table<Row>::key_of(row.after ? *row.after : *row.before));
            }
            due_.notify();
        }
        if (failed_ || !is_open_) co_return;
        everything_is_due_ = true;
        due_.notify();
    }
}

awaitable<> primary::impl::mark_due_instances() { return mark_due<instance>(due_instances_); }
awaitable<> primary::impl::mark_due_nodes() { return mark_due<node>(due_nodes_); }

}  // namespace rik
