// Instances as the scheduler reports them: proposals become bindings, states are recorded, rooms are freed.
#pragma once

#include "due_facts_detail.hpp"
#include "event_writer_detail.hpp"
#include "exposed_ports_detail.hpp"
#include "removals_detail.hpp"

#include <rik/base/log.hpp>
#include <rik/placement/placement.hpp>

#include <string_view>

namespace rik::detail {

/// An instance that fits nowhere, and why.
struct unplaced_instance {
    instance_id instance;
    std::string_view reason;
};

/// Changes the rows of instances only, and of what goes with them: of workloads, with their last one, and of nodes that
/// were declared dead what is left on them. Old news, doubled news and news
/// of another binding change nothing. Every `handle` is a commit. Errors of all: those of cluster_state::apply.
class bindings {
public:
    bindings(clock& time, entropy& random, cluster_state& state, event_writer& events, removals& leaving,
             due_facts& due, placement_policy const& policy, log const& out)
        : time_(time),
          state_(state),
          events_(events),
          removals_(leaving),
          due_(due),
          ports_(random, state),
          policy_(policy),
          out_(out) {}

    /// The one place where capacity is promised. A refused proposal is answered by the item itself.
    result<void> handle(proposal const& news);
    result<void> handle(unplaced_instance const& news);
    result<void> handle(status_report const& news);
    /// The last of a workload that is being deleted takes the workload with it.
    result<void> handle(gone_report const& news);

private:
    result<void> clear_remnant(gone_report const& news);
    event cleared(node const& which) const;
    std::vector<event> story_of(instance const& row, instance_status const& now, instance_status const& said) const;
    event seen_on_node(instance const& row) const;
    event seen_by_node(instance const& row, instance_status const& now, instance_status const& said) const;

    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    removals& removals_;
    due_facts& due_;
    exposed_ports ports_;
    placement_policy const& policy_;
    log const& out_;
};

}  // namespace rik::detail
