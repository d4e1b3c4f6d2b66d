// Nodes as the scheduler reports them: they join, change, fall silent, and are heard again.
#pragma once

#include "due_facts_detail.hpp"
#include "event_writer_detail.hpp"

#include <rik/base/log.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

struct subnet_plan {
    std::string cluster_cidr;
    unsigned node_prefix_bits;
};

/// Returns true if it is not heard because no scheduler is connected; the next one has not told of it yet.
bool lacks_scheduler(node const& which);

/// Changes the rows of nodes only.
class node_registry {
public:
    node_registry(clock& time, cluster_state& state, event_writer& events, due_facts& due, subnet_plan subnets,
                  log const& out);

    /// Errors: those of cluster_state::apply. A node for which there is no subnet is refused without an error: the
    /// session goes on without it.
    result<void> handle(node_report const& news);
    /// No scheduler is there to hear it. Errors: those of cluster_state::apply.
    result<void> handle_absence(node_id const& which);
    /// Since when a scheduler has heard one node at least, whichever; nullopt: not since this primary was started, or
    /// since it had no scheduler. It means nothing while no node is heard.
    std::optional<wall_time> hearing_since() const { return hearing_since_; }
    /// Kept in memory only, as long as the node is heard.
    void note_load(load_report news);
    /// Null if it is not known.
    node_metrics const* find_load(node_id const& node) const;

private:
    void note_heard();
    /// Writes `next` in the place of `known`, if it is another.
    result<void> change(stored<node> const& known, node next);
    result<void> add(node_id const& id, node_facts const& said);
    /// The row once it is heard, or not.
    node after(node known, bool is_heard, std::optional<node_facts> const& said) const;
    event change_of(node const& now, node_state before) const;
    result<std::string> free_subnet(std::string_view wanted) const;

    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    due_facts& due_;
    subnet_plan subnets_;
    std::map<node_id, node_metrics> loads_;
    std::optional<wall_time> hearing_since_;
    log const& out_;
};

}  // namespace rik::detail
