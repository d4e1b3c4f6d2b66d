// What the scheduler must be told next: a set of what is due, not a queue of what happened.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/link/batch.hpp>
#include <rik/link/messages.hpp>
#include <rik/store/view.hpp>

#include <deque>
#include <set>
#include <utility>
#include <vector>

namespace rik::detail {

/// A row as the scheduler is told of it. `in` has its workload.
item item_of(instance const& row, view const& in);
/// No scheduler is told of it: it waits for the one node that may run it, to which the primary binds it.
bool is_placed_here(instance const& row);
registered_node registered(node const& row);
/// A node has changed: of `in`, those that may begin in another boot of it than the scheduler was told. Null: there is
/// no node.
std::vector<instance_id> list_unpermitted(node const* before, node const* now, view const& in);

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
    /// Returns true if everything was due. What was marked by itself stays due: it may have been marked in this
    /// session.
    bool drain_everything() { return std::exchange(is_everything_, false); }
    /// As much of what is due as goes into a message, as the rows in `from` are now; it is due no more. What it says of
    /// the cluster is for the caller to add.
    facts drain(view const& from, batch_limits most);

private:
    /// Returns false if it does not go in any more.
    static bool add(facts& to, batch_room& room, view const& from, instance_id const& changed);

    bool is_everything_ = false;
    std::set<instance_id> instances_;
    std::set<node_id> nodes_;
    std::deque<instance_id> refusals_;
    std::deque<stream_request> streams_;
    notifier marked_;
};

}  // namespace rik::detail
