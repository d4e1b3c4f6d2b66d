// Which objects of a list are wanted: by their labels and by other fields.
#pragma once

#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/labels.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace rik {

/// An object is meant if it meets both.
struct selection {
    label_selector labels = {};
    std::vector<field_requirement> fields = {};

    bool is_empty() const { return labels.is_empty() && fields.empty(); }
};

// The fields by which objects are selected.
std::span<std::string_view const> workload_selection_fields();  ///< name, kind, tenant, state, owner (an id)
std::span<std::string_view const> instance_selection_fields();  ///< those, and ready, node, workload
std::span<std::string_view const> node_selection_fields();      ///< name, state
std::span<std::string_view const> event_selection_fields();     ///< name, kind, tenant, type, reason

/// What is wrong with `wanted`, if objects have the fields `known`; nullopt if nothing is. The remedy names them.
std::optional<error> check_fields(std::vector<field_requirement> const& wanted,
                                  std::span<std::string_view const> known);

/// What must be known of others to say of an instance what it is.
struct instance_surroundings {
    std::string_view workload_name = {};
    std::string_view node_name = {};
    bool is_unheard = false;  ///< nobody hears its node: what is not over has the state "unknown"
};

// Precondition of all: check_fields finds nothing. `node` and `workload` of an instance may be given as name or id.
bool matches(selection const& wanted, workload const& row, workload_state state);
bool matches(selection const& wanted, instance const& row, instance_surroundings const& around);
bool matches(selection const& wanted, node const& row);
/// Events have no labels.
bool matches(selection const& wanted, event const& happened);

}  // namespace rik
