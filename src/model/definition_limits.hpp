// What no kernel starts a container with, whatever the node: found when a definition is read.
#pragma once

#include "model/definition_fields.hpp"

namespace rik::detail {

/// Notes what can never start: texts that are too long for execve, paths that are too long for the kernel.
void check_startable(container_definition const& container, field_reader const& fields);

/// Notes a path that is too long for the kernel.
void check_path(field_reader const& fields, std::string_view field, std::string_view path);

/// Notes a limit of a container with which nothing could run, or that the kernel does not take; warns of one that is
/// raised to the least that it gives.
void check_limit(field_reader const& limits, std::string_view name, std::int64_t amount);

}  // namespace rik::detail
