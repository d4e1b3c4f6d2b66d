// Instances that users ask for: all of a request or none, made slice by slice.
#pragma once

#include "event_writer_detail.hpp"
#include "exposed_ports_detail.hpp"
#include "gate_detail.hpp"
#include "removals_detail.hpp"

#include <rik/base/log.hpp>
#include <rik/primary/operations.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rik::detail {

/// What is asked for, of a workload that was found.
struct creation_request {
    workload_id workload;
    std::string name;  ///< empty: generated
    std::uint32_t replicas;
};

/// One that is to be made of a workload.
struct new_instance {
    release_ptr from;
    std::string name;
    std::optional<std::uint32_t> index = {};
    std::optional<node_id> meant_for = {};     ///< no other node may run it
    std::optional<node_binding> binding = {};  ///< nullopt: it waits for one
    std::uint16_t exposed_port = 0;            ///< see instance_fields; `add` chooses it
};

/// Adds pending instances; when not all can be made, those that were made leave through the removals.
class instance_creation {
public:
    instance_creation(asio::any_io_executor strand, gate const& entrance, clock& time, entropy& random,
                      cluster_state& state, event_writer& events, removals& leaving, log const& out)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          random_(random),
          state_(state),
          events_(events),
          removals_(leaving),
          ports_(random, state),
          out_(out) {}

    /// All, or none; but a crash in between leaves those that were made by then. They may not be durable yet.
    /// Errors: conflict, a name is taken or the workload was deleted; exhausted, no free name or port was found, or too
    /// many changes wait for the disk.
    awaitable<result<std::vector<instance_id>>> make(creation_request what);

    /// Adds one instance of `owner` to `into`. Errors: conflict, the name is taken; exhausted, no port is free.
    result<instance_id> add(transaction& into, workload const& owner, new_instance what);

private:
    class promise;
    awaitable<result<void>> make_slices(creation_request what, promise& held, std::vector<instance_id>& made);
    result<transaction> plan_slice(creation_request const& what, workload const& owner, std::vector<instance_id>& made);
    result<std::string> free_name(std::string const& tenant, std::set<std::string> const& promised);
    instance make(workload const& owner, new_instance what) const;

    asio::any_io_executor strand_;
    gate const& gate_;
    clock& time_;
    entropy& random_;
    cluster_state& state_;
    event_writer& events_;
    removals& removals_;
    exposed_ports ports_;
    log const& out_;
    std::size_t promised_changes_count_ = 0;  ///< of creations that are under way
};

}  // namespace rik::detail
