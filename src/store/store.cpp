#include <rik/store/store.hpp>

#include "store/row_text.hpp"
#include "store/transaction_check.hpp"

#include <rik/base/assert.hpp>
#include <rik/base/limits.hpp>

#include <utility>

namespace rik {

/// Registers a coroutine that waits for a revision, for as long as it does so.
class store::waiter {
public:
    waiter(store& owner, revision reached)
        : owner_(owner), reached_(owner.executor_), place_(owner.waiters_.emplace(reached, &reached_)) {}
    ~waiter() { owner_.waiters_.erase(place_); }
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;

    awaitable<> wait() { return reached_.wait(); }

private:
    store& owner_;
    notifier reached_;
    std::multimap<revision, notifier*>::iterator place_;
};

store::store(asio::any_io_executor executor, journal& under) : executor_(executor), journal_(under), work_(executor) {}

store::~store() {
    fail(error{errc::unavailable, "it was destroyed"});
    for_each_watcher([](watcher& each) { each.owner_ = nullptr; });
    RIK_ASSERT(waiters_.empty());
}

awaitable<result<void>> store::open() {
    auto contents = co_await journal_.lead();
    if (!contents) co_return contents.error();
    auto const last = contents->last;
    auto replayed = replay(std::move(*contents));
    if (!replayed) co_return replayed;

    std::vector<journal_entry> epoch;
    epoch.push_back(journal_entry{last + 1, std::string(detail::meta_table), std::string(detail::epoch_key),
                                  std::to_string(last + 1)});
    auto appended = co_await journal_.append(std::move(epoch));
    if (!appended) co_return appended;
    head_.at_ = durable_.at_ = last + 1;
    history_.restart(last);  // the epoch changes no row: who has seen `last` has seen everything
    co_return result<void>{};
}

template <class Row>
void store::stage(transaction::write<Row> const& write, pending_commit& commit) {
    auto& rows = head_.of<Row>();
    auto before = head_.find<Row>(write.key).row;
    rows.apply(write.key, write.row, commit.at);
    auto text = write.row ? std::optional(encode(*write.row)) : std::nullopt;
    commit.entries.push_back(
        journal_entry{commit.at, std::string(to_string(table<Row>::id)), detail::key_text(write.key), std::move(text)});
    commit.changes.push_back(change{commit.at, row_change<Row>{std::move(before), write.row}});
}

result<revision> store::apply(transaction changes) {
    if (failed_) return stopped_error();
    if (changes.empty()) return head_.at();
    if (unflushed_count_ + changes.size() > limits::unflushed_count_max) {
        return error{errc::exhausted, "the journal is too slow: too many changes wait for it"};
    }
    if (auto fits = detail::check(changes, head_); !fits) return fits.error();

    pending_commit commit;
    commit.at = next_revision();
    for (auto const& write : changes.writes()) {
        std::visit([&](auto const& each) { stage(each, commit); }, write);
    }
    head_.at_ = commit.at;
    unflushed_count_ += commit.changes.size();
    unflushed_.push_back(std::move(commit));
    work_.notify();
    return head_.at();
}

awaitable<result<revision>> store::commit(transaction changes) {
    auto const applied = apply(std::move(changes));
    if (!applied) co_return applied.error();
    auto const lasts = co_await wait_durable(*applied);
    if (!lasts) co_return lasts.error();
    co_return *applied;
}

awaitable<result<void>> store::wait_durable(revision reached) {
    if (reached > durable_.at() && !failed_) {
        waiter waits(*this, reached);
        while (reached > durable_.at() && !failed_) co_await waits.wait();
    }
    if (reached <= durable_.at()) co_return result<void>{};
    co_return *failed_;
}

error store::stopped_error() const {
    return error{errc::unavailable, "the store has stopped: " + failed_->message, {}, failed_->remedy};
}

void store::fail(error why) {
    if (failed_) return;
    failed_ = std::move(why);
    unflushed_.clear();
    unflushed_count_ = 0;
    for (auto& [reached, wake] : waiters_) wake->notify();
    auto const stopped = stopped_error();
    for_each_watcher([&stopped](watcher& each) { each.close(stopped); });
}

template <class Visit>
void store::for_each_watcher(Visit visit) {
    for (auto& of_table : subscribers_) {
        for (auto* each : of_table.to_all) visit(*each);
        for (auto& [key, list] : of_table.by_index) {
            for (auto* each : list) visit(*each);
        }
    }
}

}  // namespace rik
