// Keeps a session with the scheduler, and tells it what is due.
#pragma once

#include "cluster_state_detail.hpp"
#include "due_facts_detail.hpp"
#include "scheduler_absence_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/log.hpp>
#include <rik/link/link.hpp>

#include <functional>
#include <memory>
#include <string>

namespace rik::detail {

/// A session with the scheduler, shared by the one who sends and the one who reads.
struct scheduler_connection {
    std::unique_ptr<scheduler_session> link;
    bool is_closed = false;   ///< nothing more is read
    bool is_refused = false;  ///< closed because a report could not be taken
    bool is_over = false;     ///< the dispatcher has moved on: what it still says may be older than what the next said
};
using connection_ptr = std::shared_ptr<scheduler_connection>;

/// Reads the state and drains what is due; it changes neither rows nor bindings.
class dispatcher {
public:
    /// Reads a session until it ends; then it sets `is_closed`, and wakes `due`.
    using reader = std::function<awaitable<>(connection_ptr)>;

    dispatcher(asio::any_io_executor strand, clock& time, entropy& random, connector<scheduler_session>& scheduler,
               cluster_state& state, due_facts& due, scheduler_absence& absence, std::string cluster_cidr,
               batch_limits batch, log const& out);

    /// Connects again and again; each session is read by `read` in `tasks`. Until cancelled.
    awaitable<> run(task_group& tasks, reader read);
    /// Marks what changes in the store. Until the store stops.
    awaitable<> mark_instances() { return mark_changes<instance>(); }
    awaitable<> mark_nodes() { return mark_changes<node>(); }

    bool is_connected() const { return connection_ != nullptr; }
    void disconnect();

private:
    awaitable<> send(connection_ptr to);
    awaitable<result<void>> send_everything(connection_ptr to);
    /// What comes after the row `after`, which it moves on.
    facts next_of_everything(std::string& after) const;
    awaitable<result<void>> send_batch(connection_ptr to, facts batch);
    template <class Row>
    awaitable<> mark_changes();
    /// Of a node that may have been booted: what waits there for the primary's word.
    void mark_unpermitted(row_change<node> const& changed);

    asio::any_io_executor strand_;
    clock& time_;
    entropy& random_;
    connector<scheduler_session>& scheduler_;
    cluster_state& state_;
    due_facts& due_;
    scheduler_absence& absence_;
    std::string cluster_cidr_;
    batch_limits batch_;
    log const& out_;
    connection_ptr connection_;
    bool is_stopping_ = false;
};

}  // namespace rik::detail
