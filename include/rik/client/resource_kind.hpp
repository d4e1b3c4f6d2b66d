// The kinds of objects that /rik/v1 lists, and the words that people use for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rik {

enum class resource_kind : std::uint8_t { workload, instance, node, event, tenant };

/// "workload": as in messages.
std::string_view to_string(resource_kind kind);
/// "workloads": as in paths.
std::string_view plural(resource_kind kind);
/// Parses the singular, the plural and short forms: workload, workloads, wl, w.
std::optional<resource_kind> parse_resource_kind(std::string_view text);
/// Returns true if objects of this kind belong to a tenant, in which their names are unique.
bool belongs_to_tenant(resource_kind kind);

}  // namespace rik
