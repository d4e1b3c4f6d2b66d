#include "disk_detail.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace rik::detail {

namespace {

/// What one order causes is set by several coroutines, each of which has its turn on the strand: one flush is enough
/// for all of it.
constexpr int turns_max = 4;

}  // namespace

awaitable<result<journal_contents>> node_disk::open() {
    auto contents = co_await journal_.lead();
    if (!contents) co_return contents.error();
    last_ = contents->last;
    durable_ = last_;
    co_return std::move(*contents);
}

void node_disk::set(std::string table, std::string key, std::optional<std::string> value) {
    journal_entry entry{
        .changed_at = ++last_, .table = std::move(table), .key = std::move(key), .value = std::move(value)};
    auto const place = std::make_pair(entry.table, entry.key);
    pending_[place] = std::move(entry);
    work_.notify();
}

awaitable<result<void>> node_disk::wait_durable(revision wanted) {
    while (durable_ < wanted && !failed_) co_await flushed_.wait();
    if (durable_ < wanted) co_return *failed_;
    co_return result<void>{};
}

awaitable<error> node_disk::run() {
    auto const executor = co_await asio::this_coro::executor;
    for (;;) {
        while (pending_.empty() && !is_flush_wanted_) co_await work_.wait();
        is_flush_wanted_ = false;
        for (int turn = 0; turn < turns_max; ++turn) co_await asio::post(executor, asio::use_awaitable);
        auto const reached = last_;
        std::vector<journal_entry> batch;
        for (auto& [place, entry] : std::exchange(pending_, {})) batch.push_back(std::move(entry));
        auto const written = co_await journal_.append(std::move(batch));
        if (!written) {
            failed_ = written.error();
            flushed_.notify();
            co_return *failed_;
        }
        durable_ = reached;
        flushed_.notify();
    }
}

}  // namespace rik::detail
