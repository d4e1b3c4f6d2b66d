// How instances leave, and the workloads that go with the last of them.
#pragma once

#include "event_writer_detail.hpp"

#include <rik/async/notifier.hpp>
#include <rik/base/log.hpp>
#include <rik/primary/operations.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::detail {

/// Why an instance is made to leave, as far as that matters to its Job.
enum class departure : std::uint8_t {
    asked,      ///< somebody wants it gone
    disrupted,  ///< its node is lost, or is to be cleared
    excused,    ///< its Job wants fewer: its end does not count
};

/// Changes the state only. All of it belongs to the primary's strand.
class removals {
public:
    removals(asio::any_io_executor strand, clock& time, cluster_state& state, event_writer& events, log const& out)
        : time_(time), state_(state), events_(events), out_(out), tenants_due_(strand), retired_due_(strand) {}

    /// Says that a workload is to go. Precondition: nobody has said so yet.
    void mark(transaction& into, stored<workload> const& which, cascade of_instances = cascade::all);

    /// A pending instance goes at once; a bound one when its node confirms. `message` says why. A workload that is one
    /// with it goes, too: then nothing else in `into` may change that.
    /// Precondition: it is there and not condemned.
    void condemn(transaction& into, stored<instance> const& which, std::string message,
                 departure how = departure::asked);

    /// Takes away `all`, which are bound, without a word from their node: an operator has said that it is dead.
    /// `message` says why. Workloads that are being deleted go with their last one.
    void give_up(transaction& into, std::vector<stored<instance>> const& all, std::string const& message);

    /// Adds the removal of a workload that is being deleted, or is one with its instance, if `leaving_count` of its
    /// instances, which leave in this commit, are the last, no Job of it is left, and no finalizer keeps it.
    void remove_if_empty(transaction& into, workload_id const& which, std::size_t leaving_count);

    /// Condemns `left` slice by slice, so that neither a commit nor the strand is held long. Returns when all of it is
    /// durable. Errors: those of cluster_state::commit.
    awaitable<result<void>> remove_all(std::vector<instance_id> left, std::string message, departure how);

    /// Condemns what is left of a workload that is being deleted, or lets go of it, likewise, the Jobs of a CronJob
    /// first; with the last instance, or the last Job, goes the workload.
    awaitable<result<void>> remove_instances_of(workload_id which);

    /// Marks all workloads of a tenant that is being deleted, and condemns their instances, likewise. Returns how many
    /// there were.
    awaitable<result<tenant_contents>> remove_contents_of(std::string tenant);

    /// Takes away tenants that are being deleted and empty, with their events and documents. It never returns.
    awaitable<> end_tenants();

    /// Says that a Job is to go, and why; end_workloads does the rest. Precondition: nobody has said so yet.
    void retire(transaction& into, stored<workload> const& which, std::string reason, std::string message);
    /// Takes away the instances of those, and with the last one the workload. It never returns.
    awaitable<> end_workloads();

    /// Takes away releases that nothing is made from and nothing will be. It never returns.
    awaitable<> end_releases();

    /// Condemns what is on a node that has a taint of the effect NoExecute, and does not tolerate it, likewise.
    awaitable<result<void>> evict(node_id from);

    /// Goes on with every deletion and eviction that an earlier end of the process has cut short.
    awaitable<> finish_deletions();

    /// Removes the finished instances that are too many. Errors: those of cluster_state::apply.
    awaitable<result<void>> limit_finished();

private:
    awaitable<result<void>> remove_slice(std::vector<workload_id> const& some);
    awaitable<result<void>> end_tenant(std::string name);
    void remove_with(transaction& into, instance const& leaving);
    void end_soon(workload_id const& which);
    awaitable<result<void>> remove(std::vector<instance_id> left, std::optional<workload_id> of, std::string message,
                                   departure how);

    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    log const& out_;
    notifier tenants_due_;             ///< one that is being deleted may be empty
    std::deque<workload_id> retired_;  ///< being deleted, perhaps
    notifier retired_due_;
};

}  // namespace rik::detail
