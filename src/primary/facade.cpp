// The doors of the primary: from any thread to its strand and back.
#include "impl_detail.hpp"
#include "strand_held_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

namespace {

error may_not(caller const& who, std::string_view what) {
    return error{errc::denied, fmt::format("{} may not {}", who.subject, what)};
}

bool may_write(caller const& who) { return who.role != caller_role::reader; }

/// Calls `read` on the strand, if `role` takes operations: what it gives is durable.
template <class Role, class Read>
awaitable<std::invoke_result_t<Read>> on(asio::any_io_executor strand, Role const& role, Read read) {
    auto checked = [&role, read = std::move(read)]() -> std::invoke_result_t<Read> {
        if (auto const why = role.closed_because()) return *why;
        return read();
    };
    return on_strand(std::move(strand), detail::invoke_here(std::move(checked)));
}

template <class T>
awaitable<result<T>> refused(error why) {
    co_return why;
}

wall_time created_at(workload const& row) { return row.created_at; }
wall_time created_at(instance const& row) { return row.created_at(); }
wall_time created_at(node const& row) { return row.created_at; }

/// Oldest first: keys are random, and a list should read the same each time. Sorts where the caller is, not on the
/// strand.
template <class Row>
awaitable<result<listing<Row>>> oldest_first(awaitable<result<listing<Row>>> reading) {
    auto all = co_await std::move(reading);
    if (all)
        std::stable_sort(all->rows.begin(), all->rows.end(),
                         [](auto const& a, auto const& b) { return created_at(*a) < created_at(*b); });
    co_return all;
}

/// Events are named by their numbers.
awaitable<result<listing<document>>> by_name(awaitable<result<listing<document>>> reading) {
    auto all = co_await std::move(reading);
    if (all)
        std::sort(all->rows.begin(), all->rows.end(),
                  [](auto const& a, auto const& b) { return a->key.name < b->key.name; });
    co_return all;
}

template <class Row>
result<listing<Row>> list_all(store const& from) {
    return listing<Row>{from.position(), from.durable().list<Row>()};
}

/// Rows as changes from nothing: how a watch begins.
template <class Row>
void add_rows(std::vector<change>& into, view const& from, std::string const& index_key) {
    auto const rows = index_key.empty() ? from.list<Row>() : from.list<Row>(index_key);
    for (auto const& each : rows) into.push_back({each.changed_at, row_change<Row>{nullptr, each.row}});
}

std::vector<change> current_rows(view const& from, watch_request const& what) {
    std::vector<change> rows;
    switch (what.table) {
        case table_id::workload: add_rows<workload>(rows, from, what.index_key); break;
        case table_id::release: add_rows<release>(rows, from, what.index_key); break;
        case table_id::instance: add_rows<instance>(rows, from, what.index_key); break;
        case table_id::node: add_rows<node>(rows, from, what.index_key); break;
        case table_id::document: add_rows<document>(rows, from, what.index_key); break;
    }
    return rows;
}

awaitable<result<watch_source::batch>> next_of(std::shared_ptr<watcher> from) {
    auto changes = co_await from->next();
    if (!changes) co_return changes.error();
    watch_source::batch news{.changes = std::move(*changes)};
    news.at.reached = news.changes.back().changed_at;
    co_return news;
}

class hopping_watch final : public watch_source {
public:
    hopping_watch(asio::any_io_executor strand, std::shared_ptr<watcher> under, epoch_id epoch,
                  std::optional<batch> first)
        : under_(std::move(strand), std::move(under)), epoch_(epoch), first_(std::move(first)) {}

    awaitable<result<batch>> next() override {
        if (!first_) co_return co_await next_changes();
        auto initial = std::move(*first_);
        first_.reset();
        co_return initial;
    }

private:
    awaitable<result<batch>> next_changes() {
        auto news = co_await under_.run(next_of);
        if (news) news->at.epoch = epoch_;
        co_return news;
    }

    detail::strand_held<watcher> under_;
    epoch_id epoch_;
    std::optional<batch> first_;
};

}  // namespace

awaitable<result<stored<workload>>> primary::create_workload(caller who, workload_definition definition) {
    if (!may_write(who)) return refused<stored<workload>>(may_not(who, "create workloads"));
    return on_strand(strand_, impl_->create_workload(std::move(definition)));
}

awaitable<result<void>> primary::delete_workload(caller who, workload_id which) {
    if (!may_write(who)) return refused<void>(may_not(who, "delete workloads"));
    return on_strand(strand_, impl_->delete_workload(which));
}

awaitable<result<std::vector<stored<instance>>>> primary::create_instances(caller who, create_instances_request what) {
    if (!may_write(who)) return refused<std::vector<stored<instance>>>(may_not(who, "create instances"));
    return on_strand(strand_, impl_->create_instances(std::move(what)));
}

awaitable<result<void>> primary::delete_instance(caller who, instance_id which) {
    if (!may_write(who)) return refused<void>(may_not(who, "delete instances"));
    return on_strand(strand_, impl_->delete_instance(which));
}

awaitable<result<stored<workload>>> primary::get_workload(caller who, object_ref which) {
    return on(strand_, *impl_,
              [this, who = std::move(who), which = std::move(which)] { return impl_->get_workload(who, which); });
}

awaitable<result<stored<instance>>> primary::get_instance(caller who, object_ref which) {
    return on(strand_, *impl_,
              [this, who = std::move(who), which = std::move(which)] { return impl_->get_instance(who, which); });
}

awaitable<result<stored<node>>> primary::get_node(caller, object_ref which) {
    return on(strand_, *impl_, [this, which = std::move(which)] { return impl_->get_node(which); });
}

awaitable<result<listing<workload>>> primary::list_workloads(caller) {
    return oldest_first(on(strand_, *impl_, [this] { return list_all<workload>(impl_->data()); }));
}

awaitable<result<listing<instance>>> primary::list_instances(caller, instance_filter which) {
    auto reading = on(strand_, *impl_, [this, which] {
        auto const& from = impl_->durable();
        if (!which.workload && !which.node) return list_all<instance>(impl_->data());
        auto const index_key = which.workload ? owner_index(*which.workload) : node_index(*which.node);
        listing<instance> some{impl_->data().position(), from.list<instance>(index_key)};
        if (which.workload && which.node)
            std::erase_if(some.rows,
                          [&](auto const& row) { return !row->binding() || row->binding()->node != *which.node; });
        return result(std::move(some));
    });
    return oldest_first(std::move(reading));
}

awaitable<result<listing<node>>> primary::list_nodes(caller) {
    return oldest_first(on(strand_, *impl_, [this] { return list_all<node>(impl_->data()); }));
}

awaitable<result<listing<document>>> primary::list_events(caller, event_filter which) {
    auto reading = on(strand_, *impl_, [this, which = std::move(which)] {
        auto const& from = impl_->durable();
        auto const index_key = which.object_id.empty() ? kind_index(event_kind) : about_index(which.object_id);
        listing<document> found{impl_->data().position(), from.list<document>(index_key)};
        std::erase_if(found.rows, [](auto const& row) { return row->key.kind != event_kind; });
        return result(std::move(found));
    });
    return by_name(std::move(reading));
}

awaitable<result<std::unique_ptr<watch_source>>> primary::watch(caller, watch_request what) {
    return on(strand_, *impl_, [this, what = std::move(what)]() -> result<std::unique_ptr<watch_source>> {
        auto& from = impl_->data();
        std::shared_ptr<watcher> under = from.watch({what.table, what.index_key, what.after});
        std::optional<watch_source::batch> first;
        if (!what.after) first = watch_source::batch{current_rows(from.durable(), what), from.position(), true};
        return std::make_unique<hopping_watch>(strand_, std::move(under), from.position().epoch, std::move(first));
    });
}

awaitable<result<listing<document>>> primary::list_documents(caller, std::string kind) {
    return on(strand_, *impl_, [this, kind = std::move(kind)] {
        auto const& from = impl_->data();
        return result(listing<document>{from.position(), from.durable().list<document>(kind_index(kind))});
    });
}

awaitable<result<void>> primary::put_document(caller who, document what) {
    if (!may_write(who)) return refused<void>(may_not(who, "change documents"));
    return on_strand(strand_, impl_->put_document(std::move(who), std::move(what)));
}

awaitable<result<void>> primary::delete_document(caller who, document_key which) {
    if (!may_write(who)) return refused<void>(may_not(who, "change documents"));
    return on_strand(strand_, impl_->delete_document(std::move(who), std::move(which)));
}

awaitable<result<void>> primary::ready() {
    return on(strand_, *impl_, [this] { return impl_->ready(); });
}

}  // namespace rik
