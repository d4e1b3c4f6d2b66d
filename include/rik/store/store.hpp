// The state of a primary: typed tables in memory, one revision for all, compare-and-swap, group commit, watches.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/base/entropy.hpp>
#include <rik/store/change.hpp>
#include <rik/store/epoch.hpp>
#include <rik/store/history.hpp>
#include <rik/store/journal.hpp>
#include <rik/store/transaction.hpp>
#include <rik/store/view.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik {

/// What a watcher watches: one table, either all of it or the rows that are under one index key before or after a
/// change.
struct subscription {
    table_id table = table_id::instance;
    std::string index_key = {};  ///< empty: the whole table
    /// Begins with the changes after this position, from the history; nullopt: with those from now on.
    std::optional<store_position> after = {};
};

/// Durable changes in order of their revision. Destroy it to unsubscribe; the store closes it when it stops or ends.
class watcher {
public:
    ~watcher();
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;

    /// Waits for changes and returns those that have come since the last call, in whole commits: at least one commit,
    /// and more up to limits::watch_batch_bytes_max. One caller at a time. Errors: exhausted, "too old": the watcher
    /// fell behind the history or limits::watch_queue_count_max, or more than that has changed since `after`, or
    /// `after` is not in the history or is of another store (see store_position). Then read the rows anew and watch
    /// again. unavailable, the store has stopped.
    awaitable<result<std::vector<change>>> next();

private:
    friend class store;
    watcher(class store& owner, subscription what);
    struct queued {
        change done;
        std::size_t bytes;
    };
    void offer(change const& done, std::size_t bytes);
    std::vector<change> pop_batch();
    void lose_place();
    void close(error why);
    void forget(std::size_t count);

    class store* owner_;  ///< nullptr: it is gone
    subscription what_;
    std::deque<queued> queue_;  ///< all of it is in the history, too, except what is being dropped there
    std::optional<error> closed_;
    notifier changed_;
    std::list<watcher*>::iterator place_;  ///< in one of the store's lists
};

/// Use it from one strand only. Role code reads `head`; what leaves the process (API, watches, links) reads `durable`.
class store {
public:
    /// `under` and `random`, which names the epochs, must outlive the store.
    store(asio::any_io_executor executor, journal& under, entropy& random);
    ~store();

    /// Leads the journal, replays it, and commits an epoch. So no revision of an earlier writer is used again, and a
    /// position of a store that was replaced by an older copy is not mistaken for one of this store.
    /// Errors: those of journal::lead and append; corrupt, a row cannot be decoded.
    awaitable<result<void>> open();

    /// Flushes what is applied, group by group, until it is cancelled. It returns only with an error: a flush has
    /// failed, nothing is accepted or becomes durable any more, and the owner must stop. Cancel: the store has stopped,
    /// as after an error. To lose nothing that rides along, await wait_durable(head().at()) before.
    awaitable<error> run();

    /// Changes the head at once. The changes become durable with a later flush (they "ride along").
    /// Returns the revision of all the changes; an empty transaction makes none, and returns the head's.
    /// Errors, after which nothing is changed: conflict, a row is not at the expected revision, or its name is taken;
    /// exhausted, there are more changes than limits::append_entries_max, or the journal is behind by more than
    /// limits::unflushed_count_max or unflushed_bytes_max; unavailable, a flush has failed; internal, a row occurs
    /// twice.
    result<revision> apply(transaction changes);

    /// Applies the changes and waits until they are durable. Errors: those of `apply`; those of the flush.
    awaitable<result<revision>> commit(transaction changes);

    /// Waits until revision `reached` is durable. Errors: those of the flush.
    awaitable<result<void>> wait_durable(revision reached);

    /// Returns the number of changes that are applied and not yet durable. Near limits::unflushed_count_max the journal
    /// is too slow, and callers that can wait should wait.
    std::size_t unflushed_count() const { return unflushed_count_; }
    /// Returns how much memory they take; the same holds near limits::unflushed_bytes_max.
    std::size_t unflushed_bytes() const { return unflushed_bytes_; }

    view const& head() const { return head_; }
    view const& durable() const { return durable_; }

    /// Returns the position of what is durable. Precondition: `open` has succeeded.
    store_position position() const { return {epoch_, durable_.at()}; }

    /// Returns the revision that the next `apply` will make, for objects that name the commit that made them.
    revision next_revision() const { return head_.at() + 1; }

    std::unique_ptr<watcher> watch(subscription what);

private:
    friend class watcher;
    struct pending_commit {
        revision at = 0;
        std::vector<change> changes;
        std::vector<journal_entry> entries;
        std::size_t bytes = 0;  ///< of all in it
    };
    struct subscribers {
        std::list<watcher*> to_all;
        std::map<std::string, std::list<watcher*>, std::less<>> by_index;
    };
    class waiter;
    class stop_guard;

    result<void> replay(journal_contents contents);
    template <class Row>
    result<void> replay_row(journal_entry const& entry);
    template <class Row>
    void stage(transaction::write<Row> const& write, pending_commit& commit);
    std::size_t pop_group(std::vector<journal_entry>& batch);
    awaitable<> publish_group(std::size_t commit_count);
    void publish(pending_commit commit);
    void tell_watchers(change const& done, std::size_t bytes);
    void end_laggards();
    void end_longest_queue();
    void wake_waiters();
    std::list<watcher*>& list_for(subscription const& what);
    void unsubscribe(watcher& gone);
    template <class Visit>
    void for_each_watcher(Visit visit) {
        for (auto& of_table : subscribers_) {
            for (auto* each : of_table.to_all) visit(*each);
            for (auto& [key, list] : of_table.by_index) {
                for (auto* each : list) visit(*each);
            }
        }
    }
    bool may_resume(store_position const& after) const;
    error stopped_error() const;
    void fail(error why);

    asio::any_io_executor executor_;
    journal& journal_;
    entropy& random_;
    std::vector<store_epoch> epochs_;  ///< of the journal, oldest first; the last is this store's
    epoch_id epoch_;
    detail::tables rows_;
    view head_{rows_, row_state::head};
    view durable_{rows_, row_state::durable};
    std::deque<pending_commit> unflushed_;
    std::size_t unflushed_count_ = 0;  ///< changes in it
    std::size_t unflushed_bytes_ = 0;
    change_history history_;
    std::size_t published_bytes_ = 0;  ///< since laggards were looked for
    std::size_t queued_count_ = 0;     ///< changes in the queues of all watchers
    std::optional<error> failed_;
    std::array<subscribers, table_count> subscribers_;
    std::multimap<revision, notifier*> waiters_;
    notifier work_;
};

}  // namespace rik
