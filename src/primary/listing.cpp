#include "listing_detail.hpp"

#include "strand_owned_detail.hpp"

#include <optional>
#include <string>

namespace rik::detail {

namespace {

/// Rows as changes from nothing: how a watch begins.
template <class Row>
void add_rows(std::vector<change>& into, view const& from, std::string const& index_key) {
    auto const rows = index_key.empty() ? from.list<Row>() : from.list<Row>(index_key);
    for (auto const& each : rows) into.push_back({each.changed_at, row_change<Row>{nullptr, each.row}});
}

std::vector<change> current_rows(view const& from, subscription const& what) {
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
    hopping_watch(asio::any_io_executor strand, std::shared_ptr<watcher> under, epoch_id epoch, change_filter meant)
        : under_(std::move(strand), std::move(under)), epoch_(epoch), meant_(std::move(meant)) {}

    void begin_with(batch first) {
        keep_meant(first);
        first_ = std::move(first);
    }

    awaitable<result<batch>> next() override {
        if (first_) co_return *std::exchange(first_, std::nullopt);
        auto news = co_await under_.run(next_of);
        if (!news) co_return news;
        news->at.epoch = epoch_;
        keep_meant(*news);
        co_return news;
    }

private:
    void keep_meant(batch& news) const {
        std::erase_if(news.changes, [this](change const& each) { return !meant_(each); });
    }

    strand_owned<watcher> under_;
    epoch_id epoch_;
    change_filter meant_;
    std::optional<batch> first_;
};

}  // namespace

std::unique_ptr<watch_source> open_watch(asio::any_io_executor strand, cluster_state& state, subscription what,
                                         change_filter meant) {
    std::shared_ptr<watcher> under = state.watch(what);
    auto opened =
        std::make_unique<hopping_watch>(std::move(strand), std::move(under), state.position().epoch, std::move(meant));
    if (!what.after) opened->begin_with({current_rows(state.durable(), what), state.position(), true});
    return opened;
}

result<std::unique_ptr<watch_source>> open_watch_in(std::string const& tenant, asio::any_io_executor strand,
                                                    cluster_state& state, subscription what, change_filter meant) {
    if (auto missing = check_listed(state.durable(), tenant)) return std::move(*missing);
    return open_watch(std::move(strand), state, std::move(what), std::move(meant));
}

}  // namespace rik::detail
