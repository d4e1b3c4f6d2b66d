// YAML for readers of other files than definitions.
#pragma once

#include <rik/base/result.hpp>

#include <string>
#include <string_view>

namespace rik {

/// The same values as compact JSON. `text` is YAML 1.2, of which JSON is a part: one document, within the limits of a
/// definition and by its rules. Errors: not_found, there is no document in it; invalid, with the line and the column; a
/// key is given twice.
result<std::string> yaml_to_json(std::string_view text);

}  // namespace rik
