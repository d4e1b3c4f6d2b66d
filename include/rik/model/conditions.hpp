// What is true of an instance, in the words of Kubernetes' Pod conditions.
#pragma once

#include <rik/model/instance.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

enum class condition_type : std::uint8_t {
    pod_scheduled,                  ///< it has a node
    pod_ready_to_start_containers,  ///< its network is made
    initialized,                    ///< its init containers are done and its sidecars have started
    containers_ready,               ///< all its containers are ready
    ready,                          ///< it can be used
};
inline constexpr std::array condition_types{condition_type::pod_scheduled,
                                            condition_type::pod_ready_to_start_containers, condition_type::initialized,
                                            condition_type::containers_ready, condition_type::ready};
std::string_view to_string(condition_type type);  ///< "PodScheduled", "Ready"
std::optional<condition_type> parse_condition_type(std::string_view text);

enum class condition_status : std::uint8_t { no, yes, unknown };
std::string_view to_string(condition_status status);  ///< "False", "True", "Unknown"
std::optional<condition_status> parse_condition_status(std::string_view text);

struct instance_condition {
    condition_type type;
    condition_status status = condition_status::no;
    std::string reason = {};              ///< one word; empty where it is true
    std::string message = {};             ///< for people
    std::optional<wall_time> since = {};  ///< nullopt: nobody has noted it
    friend bool operator==(instance_condition const&, instance_condition const&) = default;
};

/// Returns all of them, in the order of condition_types. `is_unheard`: its node is not heard, so that nobody knows
/// whether it is ready.   Source: Kubernetes, "Pod Lifecycle", Pod conditions
std::vector<instance_condition> conditions_of(instance const& of, bool is_unheard = false);

}  // namespace rik
