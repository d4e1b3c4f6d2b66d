// Where in a text the fields of a definition stand: looked up only when there is something wrong with them.
#pragma once

#include "model/definition_tree.hpp"

#include <rik/base/error.hpp>

#include <string_view>

namespace rik::detail {

/// Adds to the message of each problem with a field where the field stands, or, if it is missing, what it is missing
/// from: ", line 7 column 5". `text` is the definition, which begins at `from` in its file.
void tell_positions(problems& found, std::string_view text, text_position from);

}  // namespace rik::detail
