#include <rik/base/limits.hpp>
#include <rik/store/store.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace rik {

namespace {

// Publishing a change takes about a microsecond; the strand must be free for others within a millisecond.
constexpr std::size_t publish_slice_count = 256;
// Watchers must be able to fetch what is published before the history drops it.
constexpr std::size_t publish_slice_bytes = limits::history_bytes_max / 8;
constexpr std::size_t laggard_bytes = limits::history_bytes_max / 8;

}  // namespace

/// Nothing becomes durable once `run` has ended, however it ended: nobody may go on waiting for that.
class store::stop_guard {
public:
    explicit stop_guard(store& owner) : owner_(owner) {}
    ~stop_guard() { owner_.fail(error{errc::unavailable, "nothing flushes it any more"}); }
    stop_guard(stop_guard const&) = delete;
    stop_guard& operator=(stop_guard const&) = delete;

private:
    store& owner_;
};

awaitable<error> store::run() {
    stop_guard const guard(*this);
    while (!failed_) {
        if (unflushed_.empty()) {
            co_await work_.wait();
            continue;
        }
        std::vector<journal_entry> batch;
        auto const commit_count = pop_group(batch);
        auto const appended = co_await journal_.append(std::move(batch));
        if (appended) {
            co_await publish_group(commit_count);
        } else {
            fail(appended.error());
        }
    }
    co_return *failed_;
}

/// Moves the entries of the oldest commits to `batch`, as many as one append may have, and says how many commits.
std::size_t store::pop_group(std::vector<journal_entry>& batch) {
    std::size_t commit_count = 0;
    for (auto& commit : unflushed_) {
        if (commit_count > 0 && batch.size() + commit.entries.size() > limits::append_entries_max) break;
        for (auto& entry : commit.entries) batch.push_back(std::move(entry));
        commit.entries.clear();
        ++commit_count;
    }
    return commit_count;
}

awaitable<> store::publish_group(std::size_t commit_count) {
    std::size_t published_count = 0;
    std::size_t published_bytes = 0;
    for (; commit_count > 0; --commit_count) {
        auto commit = std::move(unflushed_.front());
        unflushed_.pop_front();
        published_count += commit.changes.size();
        published_bytes += commit.bytes;
        publish(std::move(commit));
        auto const goes_on = published_count < publish_slice_count && published_bytes < publish_slice_bytes;
        if (goes_on || commit_count == 1) continue;
        published_count = published_bytes = 0;
        wake_waiters();
        co_await asio::post(executor_, asio::use_awaitable);
    }
    wake_waiters();
}

void store::publish(pending_commit commit) {
    unflushed_count_ -= commit.changes.size();
    unflushed_bytes_ -= commit.bytes;
    for (auto& done : commit.changes) {
        std::visit(
            [&]<class Row>(row_change<Row> const& row) {
                auto const key = table<Row>::key_of(row.after ? *row.after : *row.before);
                rows_.of<Row>().apply(row_state::durable, key, row.after, commit.at);
            },
            done.row);
        auto const bytes = footprint(done);
        tell_watchers(done, bytes);
        history_.add(std::move(done), bytes);
        published_bytes_ += bytes;
    }
    durable_.at_ = commit.at;
    if (published_bytes_ < laggard_bytes) return;
    published_bytes_ = 0;
    end_laggards();
}

void store::wake_waiters() {
    // Each takes itself off the list when it runs.
    for (auto& [reached, wake] : waiters_) {
        if (reached > durable_.at()) break;
        wake->notify();
    }
}

}  // namespace rik
