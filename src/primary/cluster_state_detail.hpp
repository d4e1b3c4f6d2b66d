// What the primary knows, kept in step by one way in.
#pragma once

#include "count_ledger_detail.hpp"
#include "event_backlog_detail.hpp"
#include "event_ledger_detail.hpp"
#include "finished_ledger_detail.hpp"
#include "port_ledger_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/placement/placement.hpp>
#include <rik/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace rik::detail {

/// The rows of the store, and what follows from those of its head: what every node holds, how many instances
/// workloads have, which events there are, which instances have finished. It knows nothing of requests and links.
/// A class that only reads takes a view instead. Use it from the primary's strand only.
class cluster_state {
public:
    /// `disk`, `random` and `time` must outlive it.
    cluster_state(asio::any_io_executor strand, journal& disk, entropy& random, clock& time);

    /// Opens the store and derives the rest from its rows. The first time, it makes the identity of the cluster.
    /// Errors: those of store::open; corrupt, the identity is damaged.
    awaitable<result<void>> open();
    /// Writes what is applied to the journal, until cancelled or until the journal fails.
    awaitable<> flush();
    /// Completes when the journal has failed: nothing is accepted or becomes durable any more.
    awaitable<error> failure();
    std::optional<error> const& failed() const { return failed_; }

    /// Writes the events of bursts, a burst_period after they were told, until cancelled or until the journal fails.
    awaitable<> write_held_events();
    /// Writes all that are held back now. Errors: those of store::apply and store::wait_durable.
    awaitable<result<void>> write_backlog();

    /// What is known of an event that the next `apply` writes: so it need not be read again from its text, and an
    /// earlier one that it replaces goes.
    void expect(event_ledger::entry told);
    /// The end of this instance of a Job, which the next `apply` may show, does not count.
    void excuse(instance_id const& which) { excused_.insert(which); }
    /// Makes all of the changes or none. Old events go in the same commit when there are too many, and what ends of a
    /// Job is counted in it. Events of a burst are known at once, and written later (see event_backlog).
    /// Errors: those of store::apply.
    result<void> apply(transaction changes);
    /// `apply`, and waits until the changes are durable.
    awaitable<result<void>> commit(transaction changes);
    /// Waits until all that was applied is durable. Errors: those of store::wait_durable.
    awaitable<result<void>> wait_durable();
    /// An answer that follows from the head is told when the head is durable: else a power loss could take back what
    /// somebody has heard of. Returns `why`, or the error of the journal.
    awaitable<error> when_durable(error why);
    /// Waits until the journal has caught up far enough for one more slice (limits::instances_per_slice_max instances).
    /// Errors: those of store::wait_durable.
    awaitable<result<void>> wait_for_slice();

    view const& head() const { return store_.head(); }
    view const& durable() const { return store_.durable(); }
    store_position position() const { return store_.position(); }
    revision next_revision() const { return store_.next_revision(); }
    std::size_t unflushed_count() const { return store_.unflushed_count(); }
    std::unique_ptr<watcher> watch(subscription what) { return store_.watch(std::move(what)); }

    cluster_id const& cluster() const { return cluster_; }
    cluster_view const& ledger() const { return ledger_; }
    count_ledger const& counts() const { return instance_counts_; }
    event_ledger const& events() const { return events_; }
    /// Of those that the ledger knows; nullptr if it is not there.
    std::shared_ptr<document const> find_event(document_key const& which) const;
    finished_ledger const& finished() const { return finished_; }
    port_ledger const& ports() const { return ports_; }
    std::size_t count_made_from(release_id const& which) const;
    /// Waits for releases that may be of no use any more, and returns them; the first time those of all that is kept.
    awaitable<std::set<release_id>> wait_unused_releases();

private:
    struct consequences;
    result<void> read_identity();
    void derive();
    consequences read(transaction& changes);
    bool read_document(transaction::write<document> const& written, consequences& found);
    event_ledger::entry read_event(document const& from);
    void drop_old_events(transaction& changes, consequences& of) const;
    void follow_events(consequences& of);
    result<void> write_events(std::size_t count_max);
    void follow(consequences of);
    void track(instance const* before, instance const* now);
    void count_releases(instance const* before, instance const* now);
    void note_unused(release_id const& which);

    asio::any_io_executor strand_;
    entropy& random_;
    clock& time_;
    store store_;
    cluster_id cluster_;
    cluster_view ledger_;
    count_ledger instance_counts_;
    event_ledger events_;
    event_backlog backlog_;
    std::map<std::uint64_t, event_ledger::entry> expected_events_;  ///< by sequence
    std::set<instance_id> excused_;
    finished_ledger finished_;
    port_ledger ports_;
    std::map<release_id, std::size_t> made_from_;  ///< how many instances; none: no entry
    std::set<release_id> unused_;                  ///< perhaps
    std::optional<error> failed_;
    notifier failure_;
    notifier unused_due_;
    notifier events_held_;
};

}  // namespace rik::detail
