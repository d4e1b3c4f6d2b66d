// The state of a primary: typed tables in memory, one revision for all, compare-and-swap, group commit, watches.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/store/journal.hpp>
#include <rik/store/view.hpp>

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rik {

/// One row before and after a commit; a null pointer where there was, or is, none.
template <class Row>
struct row_change {
    std::shared_ptr<Row const> before;
    std::shared_ptr<Row const> after;
};

using any_row_change = std::variant<row_change<workload>, row_change<release>, row_change<instance>, row_change<node>,
                                    row_change<document>>;

struct change {
    revision changed_at = 0;
    any_row_change row;
};

/// An atomic set of changes. Each says the revision that it expects the row to be at: 0, there must be no such row.
class transaction {
public:
    template <class Row>
    void put(Row row, revision expected) {
        auto const key = table<Row>::key_of(row);
        writes_.push_back(write<Row>{key, std::make_shared<Row const>(std::move(row)), expected});
    }
    template <class Row>
    void remove(typename table<Row>::key const& key, revision expected) {
        writes_.push_back(write<Row>{key, nullptr, expected});
    }
    bool empty() const { return writes_.empty(); }
    std::size_t size() const { return writes_.size(); }

private:
    friend class store;
    template <class Row>
    struct write {
        typename table<Row>::key key;
        std::shared_ptr<Row const> row;
        revision expected;
    };
    using any_write = std::variant<write<workload>, write<release>, write<instance>, write<node>, write<document>>;
    std::vector<any_write> writes_;
};

/// What a watcher wants: one table, all of it or the rows under one index key (before or after the change).
struct subscription {
    table_id table = table_id::instance;
    std::string index_key = {};  ///< empty: the whole table
    /// Changes after this revision, from the history; nullopt: from now on.
    std::optional<revision> after = {};
};

/// Durable changes in order of their revision. Destroy it to unsubscribe; the store must outlive it.
class watcher {
public:
    ~watcher();
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;

    /// All that has come since the last call, at least one change; waits for it. One caller at a time.
    /// Errors: exhausted, "too old": it fell behind limits::watch_queue_count_max, or `after` is before the history;
    /// read the rows anew and watch again. unavailable, the store has stopped.
    awaitable<result<std::vector<change>>> next();

private:
    friend class store;
    watcher(class store& owner, subscription what);
    class store& owner_;
    subscription what_;
    std::vector<change> queue_;
    std::optional<error> closed_;
    notifier changed_;
};

/// Use it from one strand only. Role code reads `head`; what leaves the process (API, watches, links) reads `durable`.
class store {
public:
    /// `under` must outlive the store.
    store(asio::any_io_executor executor, journal& under);
    ~store();

    /// Leads the journal, replays it, and commits an epoch, so that no revision of an earlier writer is used again.
    /// Errors: those of journal::lead and append; corrupt, a row cannot be decoded.
    awaitable<result<void>> open();

    /// Flushes what is applied, group by group, until cancelled. It returns only with an error: a flush failed, nothing
    /// is accepted or becomes durable any more, and the owner must stop.
    awaitable<error> run();

    /// Changes the head now; becomes durable with a later flush ("rides along").
    /// Errors: conflict, a row is not at the revision expected of it, or its name is taken; then nothing is changed.
    /// unavailable, a flush has failed.
    result<revision> apply(transaction changes);

    /// `apply`, and waits until it is durable. Errors: those of apply, and those of the flush.
    awaitable<result<revision>> commit(transaction changes);

    /// Errors: those of the flush.
    awaitable<result<void>> wait_durable(revision reached);

    view const& head() const { return head_; }
    view const& durable() const { return durable_; }

    /// The revision that the next `apply` makes: for objects that name the commit that made them.
    revision next_revision() const { return head_.at() + 1; }

    std::unique_ptr<watcher> watch(subscription what);

private:
    friend class watcher;
    struct pending_commit {
        std::vector<change> changes;
        std::vector<journal_entry> entries;
        revision at = 0;
    };
    void publish(pending_commit const& commit);
    void fail(error why);

    asio::any_io_executor executor_;
    journal& journal_;
    view head_;
    view durable_;
    std::deque<pending_commit> unflushed_;
    std::deque<change> history_;
    std::size_t history_bytes_ = 0;
    revision history_floor_ = 0;  ///< changes after this are in the history
    std::optional<error> failed_;
    std::list<watcher*> watchers_;
    std::list<notifier*> waiters_;
    notifier work_;
};

}  // namespace rik
