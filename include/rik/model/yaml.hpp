// YAML from and to JSON.
#pragma once

#include <rik/base/result.hpp>

#include <string>
#include <string_view>

namespace rik {

/// Returns the same values as compact JSON. `text` is one document of YAML 1.2, of which JSON is a part. The limits and
/// rules of definitions hold. Errors: not_found, there is no document in it; invalid, the syntax is wrong, with line
/// and column, or a key is given twice.
result<std::string> yaml_to_json(std::string_view text);

/// Returns the same values as YAML in block style, which yaml_to_json reads back as they are. Errors: as of
/// definitions.
result<std::string> json_to_yaml(std::string_view text);

}  // namespace rik
