// What all that act for one instance share: its record, its rules, and the machine that decides.
#pragma once

#include "network_detail.hpp"
#include "orphans_detail.hpp"
#include "pod_machine_detail.hpp"
#include "pod_plan_detail.hpp"
#include "records_detail.hpp"
#include "removal_turns_detail.hpp"
#include "room_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/runtime/prober.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

class disk_watch;

/// What all actors of a node share. It outlives them.
struct pod_context {
    asio::any_io_executor strand;
    clock& time;
    node_disk& disk;
    node_records& records;
    pod_network& pods;
    node_room& room;
    orphans& strays;
    limiter& starts;
    removal_turns& removals;
    prober& probes;
    std::vector<node_runtime> const& runtimes;
    node_facts const& facts;
    log out;
    duration restart_delay_max;
    disk_watch& storage;
    /// Nothing is left of an instance, and its rows are removed.
    std::function<void(node_instance&)> tell_gone;
};

/// What the runtime says of a container that has ended, or was never there.
inline bool is_not_running(error const& why) { return why.code == errc::not_found; }

node_runtime const* find_runtime(std::vector<node_runtime> const& all, std::string_view name);

/// Completes when it is notified.
awaitable<result<void>> change_of(notifier& changed);

/// The classes beside a pod_actor have this and a state of their own. It waits for nothing. Use it from one strand
/// only.
struct pod_core {
    pod_core(node_instance_ptr which, pod_context const& node);

    node_instance_ptr mine;
    pod_context const& on;
    runtime* containers = nullptr;  ///< null: this node has none for it
    images* pulled = nullptr;
    pod_rules rules;
    std::optional<pod_machine> machine = {};  ///< nullopt: nothing of it runs or will
    bool is_prepared = false;                 ///< its sandbox is there, and its order on disk

    std::size_t unit_count() const { return rules.units.size(); }
    instance_template const& spec() const { return mine->spec(); }
    instance_status& status() const { return mine->status(); }
    container_status& status_of(std::size_t unit) const { return mine->status().containers[unit]; }
    container_definition const& definition_of(std::size_t unit) const { return spec().containers[unit]; }
    container_key key_of(std::size_t unit, std::uint32_t attempt) const;
    bool is_never_restarted() const { return spec().restart == restart_policy::never; }
    /// Where nothing is ever restarted, what is wrong is told at once. What a machine is short of is waited for.
    bool is_final(error const& why) const { return is_never_restarted() && why.code != errc::exhausted; }
    /// The same of what only that unit needs: a sidecar is always tried again.
    bool is_final(std::size_t unit, error const& why) const {
        return rules.units[unit].restart == restart_policy::never && is_final(why);
    }

    /// Why it must not begin in this boot yet, for people; nullopt: it may.
    std::optional<std::string> lacks_permit() const;

    /// Something has happened that the machine, or what is said, depends on.
    void look_again() const { mine->due.notify(); }
    /// It ends because of that, unless it ends already. Precondition: it has a machine.
    void fail(instance_end how);
    /// The same, without grace, whether it ends already or not. Once is enough. Precondition: it has a machine.
    void fail_at_once(instance_end how);
    /// From now on nothing of it starts, and all ends within its grace. Precondition: it has a machine.
    void end() { machine->end(rules.grace, on.time.now()); }
};

}  // namespace rik::detail
