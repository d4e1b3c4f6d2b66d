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

store::store(asio::any_io_executor executor, journal& under, entropy& random)
    : executor_(executor), journal_(under), random_(random), work_(executor) {}

namespace {

/// What an earlier opening has written of all before it.
std::vector<store_epoch> epochs_of(journal_contents const& contents) {
    for (auto const& entry : contents.rows)
        if (entry.table == detail::meta_table && entry.key == detail::epoch_key)
            return detail::parse_epochs(*entry.value);
    return {};
}

}  // namespace

store::~store() {
    fail(error{errc::unavailable, "it was destroyed"});
    for_each_watcher([](watcher& each) { each.owner_ = nullptr; });
    RIK_ASSERT(waiters_.empty());
}

awaitable<result<void>> store::open() {
    auto contents = co_await journal_.lead();
    if (!contents) co_return contents.error();
    auto const last = contents->last;
    epochs_ = epochs_of(*contents);
    auto replayed = replay(std::move(*contents));
    if (!replayed) co_return replayed;

    history_.restart(detail::quiet_since(epochs_, last));
    epoch_ = epoch_id::generate(random_);
    epochs_.push_back({epoch_, last + 1});
    std::vector<journal_entry> epoch;
    epoch.push_back(journal_entry{last + 1, std::string(detail::meta_table), std::string(detail::epoch_key),
                                  detail::epochs_text(epochs_)});
    auto appended = co_await journal_.append(std::move(epoch));
    if (!appended) co_return appended;
    head_.at_ = durable_.at_ = last + 1;
    co_return result<void>{};
}

template <class Row>
void store::stage(transaction::write<Row> const& write, pending_commit& commit) {
    auto before = rows_.of<Row>().apply(row_state::head, write.key, write.row, commit.at);
    auto text = write.row ? std::optional(encode(*write.row)) : std::nullopt;
    auto const text_bytes = text ? text->size() : 0;
    commit.entries.push_back(
        journal_entry{commit.at, std::string(to_string(table<Row>::id)), detail::key_text(write.key), std::move(text)});
    commit.changes.push_back(change{commit.at, row_change<Row>{std::move(before), write.row}});
    commit.bytes += footprint(commit.changes.back()) + text_bytes;
}

result<revision> store::apply(transaction changes) {
    if (failed_) return stopped_error();
    if (changes.empty()) return head_.at();
    if (unflushed_count_ + changes.size() > limits::unflushed_count_max ||
        unflushed_bytes_ >= limits::unflushed_bytes_max) {
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
    unflushed_bytes_ += commit.bytes;
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
    unflushed_bytes_ = 0;
    for (auto& [reached, wake] : waiters_) wake->notify();
    auto const stopped = stopped_error();
    for_each_watcher([&stopped](watcher& each) { each.close(stopped); });
}

}  // namespace rik
