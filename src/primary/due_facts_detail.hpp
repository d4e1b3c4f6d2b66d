// What the scheduler must be told next: a set of what is due, not a queue of what happened.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/link/messages.hpp>
#include <rik/store/view.hpp>

#include <set>
#include <string>
#include <vector>

namespace rik::detail {

/// What is due twice is told once, as it is then. Anybody on the strand may mark; the dispatcher waits and drains.
class due_facts {
public:
    explicit due_facts(asio::any_io_executor strand) : marked_(strand) {}

    void mark_everything();
    void mark(instance_id const& changed);
    void mark(node_id const& changed);
    /// Its proposal was refused: the scheduler must propose again.
    void refuse(instance_id const& proposed);
    void ask(stream_request what);
    /// Whoever waits looks again.
    void wake() { marked_.notify(); }

    bool is_empty() const;
    awaitable<> wait() { return marked_.wait(); }
    /// As the rows in `from` are now. Nothing is due then. The caller fills in what they say of the cluster.
    facts drain(view const& from);

private:
    facts drain_changes(view const& from);

    bool is_everything_ = false;
    std::set<instance_id> instances_;
    std::set<node_id> nodes_;
    std::vector<instance_id> refusals_;
    std::vector<stream_request> streams_;
    notifier marked_;
};

}  // namespace rik::detail
