// What a node holds: its instances, what they are made from, what is said of them; all of it on its disk.
#pragma once

#include "disk_detail.hpp"
#include "status_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/log.hpp>
#include <rik/link/held_digest.hpp>
#include <rik/link/messages.hpp>
#include <rik/model/instance.hpp>
#include <rik/runtime/runtime.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace rik::detail {

/// An instance that this node holds: bound to it, or condemned and not yet gone.
struct node_instance {
    node_instance(asio::any_io_executor strand, instance_fields mine)
        : fields(std::move(mine)), changed(strand), due(strand), permitted(strand) {}

    instance_fields fields;
    bool is_dirty = false;                      ///< its status is due to the scheduler
    std::optional<held_state> told = {};        ///< as it is counted in the digest
    time_point quiet_until = {};                ///< until then nobody is told that it is being prepared
    bool is_forgotten = false;                  ///< its rows are removed
    revision kept_at = 0;                       ///< its newest change that is on its way to the disk
    std::optional<found_sandbox> found = {};    ///< what an earlier agent left; of what was taken over it stays
    std::string boot_id = {};                   ///< of the boot in which it was started last
    std::string memory = {};                    ///< of its units, as it is on disk
    std::optional<instance_end> end = {};       ///< on disk; told when everything is released
    std::string warnings = {};                  ///< about its images, for its user
    std::optional<error> network_lost = {};     ///< why it runs without a network
    bool has_room = false;                      ///< what it asks for counts as taken
    bool is_evicted = false;                    ///< it was told to end at once, or is about to be
    std::optional<instance_end> eviction = {};  ///< which it has not heard yet
    bool is_permitted = false;                  ///< its primary lets it begin in this boot: see lacks_permit
    notifier changed;                           ///< for its actor: it may be condemned
    notifier due;                               ///< the same: something may have to be done
    notifier permitted;                         ///< the same: it may begin

    instance_id const& id() const { return fields.id; }
    instance_template const& spec() const { return fields.made_from->spec(); }
    instance_status& status() { return fields.status; }
    bool is_condemned() const { return fields.binding->condemned; }
    held_state state_now() const {
        auto const& seen = fields.status;
        return {fields.binding->fence, is_condemned() ? instance_state::destroying : seen.state, seen.seq};
    }
    /// From outside of its actor: its primary says so.
    void permit() {
        is_permitted = true;
        permitted.notify();
    }
    /// From outside of its actor: it ends at once, as `how` says.
    void evict(instance_end how) {
        is_evicted = true;
        eviction = std::move(how);
        due.notify();
    }
    /// From outside of its actor: something has happened to it.
    void poke() {
        changed.notify();
        due.notify();
    }
};
using node_instance_ptr = std::shared_ptr<node_instance>;

/// Use it from one strand only.
class node_records {
public:
    node_records(asio::any_io_executor strand, clock& time, node_disk& disk, log out, notifier& news)
        : strand_(std::move(strand)), time_(time), disk_(disk), out_(std::move(out)), news_(news) {}

    std::map<instance_id, node_instance_ptr> const& all() const { return all_; }
    node_instance_ptr find(instance_id const& id) const;

    /// Reads what an earlier agent has written. Errors: corrupt.
    result<void> read(journal_contents const& contents);
    /// Keeps what `what` says that runs here from now on.
    node_instance_ptr add(order const& what, node_id const& here);
    /// In one flush: all its rows, and its release if it was the last of it. The record stays until `erase`.
    void forget(node_instance& mine);
    void erase(instance_id const& id) { all_.erase(id); }

    void keep(node_instance& mine);
    void keep_end(node_instance& mine, instance_end how);
    void drop_end(node_instance& mine);
    void keep_boot(node_instance& mine, std::string boot_id);
    /// Writes it only if it has changed.
    void keep_memory(node_instance& mine, std::string memory);

    /// What is said of it has changed: that is due on disk and at the scheduler.
    void publish(node_instance& mine);
    /// Changes the instance's state, and publishes that.
    void report(node_instance& mine, instance_state state, std::string reason, std::string message);
    /// The same, and logs it, unless it was said before.
    void complain(node_instance& mine, instance_state state, std::string reason, error const& why);
    void set_ready(node_instance& mine, bool is_ready);

private:
    result<void> read_instance(journal_entry const& row);
    result<void> read_addition(node_instance& mine, journal_entry const& row);
    void drop_unused_releases();

    asio::any_io_executor strand_;
    clock& time_;
    node_disk& disk_;
    log out_;
    notifier& news_;  ///< something is due to the scheduler
    std::map<release_id, release_ptr> releases_;
    std::map<instance_id, node_instance_ptr> all_;
};

}  // namespace rik::detail
