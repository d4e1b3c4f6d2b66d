// The node's rows on disk: a write-behind of the newest value of each, flushed in groups.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/store/journal.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace rik::detail {

/// Use it from one strand only.
class node_disk {
public:
    node_disk(asio::any_io_executor strand, journal& under) : journal_(under), work_(strand), flushed_(strand) {}

    /// Errors: those of journal::lead.
    awaitable<result<journal_contents>> open();

    void put(std::string table, std::string key, std::string value) {
        set(std::move(table), std::move(key), std::move(value));
    }
    void remove(std::string table, std::string key) { set(std::move(table), std::move(key), std::nullopt); }

    /// Has the journal flushed though nothing has changed: it may take room that it could not have before.
    void flush_soon() {
        is_flush_wanted_ = true;
        work_.notify();
    }

    bool has_failed() const { return failed_.has_value(); }
    /// The number of the newest change.
    revision last() const { return last_; }
    bool is_durable(revision change) const { return change <= durable_; }
    /// Waits for the end of the next flush, good or bad.
    awaitable<> next_flush() { return flushed_.wait(); }
    /// Waits until all up to the change `wanted` is durable. Errors: those of the flush.
    awaitable<result<void>> wait_durable(revision wanted);
    /// Waits for all that was put so far.
    awaitable<result<void>> wait_durable() { return wait_durable(last_); }

    /// Flushes until cancelled. Returns only with an error, after which nothing becomes durable any more.
    awaitable<error> run();

private:
    void set(std::string table, std::string key, std::optional<std::string> value);

    journal& journal_;
    std::map<std::pair<std::string, std::string>, journal_entry> pending_;
    bool is_flush_wanted_ = false;
    revision last_ = 0;
    revision durable_ = 0;
    std::optional<error> failed_;
    notifier work_;
    notifier flushed_;
};

}  // namespace rik::detail
