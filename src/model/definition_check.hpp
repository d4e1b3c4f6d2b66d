// Checks a definition by the table of fields: names, types, ranges, what must be there, and what is not supported yet.
#pragma once

#include "model/definition_fields.hpp"

#include <rik/model/fields.hpp>

namespace rik::detail {

/// Notes all that the table says against `root`, with the path of each. Bounded as `notes` is.
void check_fields(json::object const& root, object_type const& type, findings& notes);

}  // namespace rik::detail
