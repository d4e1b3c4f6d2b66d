// The states of instances, containers, workloads and nodes, and which may follow which.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string_view>

namespace rik {

enum class instance_state : std::uint8_t { pending, creating, running, succeeded, failed, destroying, terminated };
inline constexpr int instance_state_count = 7;

std::string_view to_string(instance_state state);
std::optional<instance_state> parse_instance_state(std::string_view text);
std::ostream& operator<<(std::ostream& out, instance_state state);

/// Returns true if `to` may follow `from`. A state may follow itself, with a new reason or message.
bool may_follow(instance_state from, instance_state to);

/// The only place where an instance changes state. Errors: conflict, `to` does not follow `from`.
result<instance_state> advance(instance_state from, instance_state to);

/// Returns true if the processes of the instance have ended and nothing of it is left but its row and logs.
constexpr bool is_finished(instance_state state) {
    return state == instance_state::succeeded || state == instance_state::failed || state == instance_state::terminated;
}

enum class container_state : std::uint8_t { waiting, running, exited };
std::string_view to_string(container_state state);
std::optional<container_state> parse_container_state(std::string_view text);

/// Of a managed workload; others are active until they are destroying.
enum class workload_state : std::uint8_t {
    provisioning,  ///< its instances have never been there, all of them and ready
    active,
    scaling,    ///< another number of instances is wanted
    deploying,  ///< its instances come to another release
    paused,     ///< no instance is wanted; how many were is remembered
    succeeded,  ///< of a Job: it is done
    failed,     ///< it gets nowhere: its deadline has passed; of a Job: it has failed, for good
    destroying,
    destroyed,  ///< as its last event says; its row is gone
};
inline constexpr int workload_state_count = 9;
std::string_view to_string(workload_state state);
std::optional<workload_state> parse_workload_state(std::string_view text);
std::ostream& operator<<(std::ostream& out, workload_state state);

/// Returns true if `to` may follow `from`. A state may follow itself.   Source: docs/deployments.md, "States".
bool may_follow(workload_state from, workload_state to);

/// A node that is `not_ready` is heard, but takes no new instances; its troubles say why.
enum class node_state : std::uint8_t { ready, not_ready, unheard };
std::string_view to_string(node_state state);
std::optional<node_state> parse_node_state(std::string_view text);

}  // namespace rik
