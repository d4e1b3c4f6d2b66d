// Where in its text a definition is wrong, for those who find out after it was parsed.
#pragma once

#include <rik/base/error.hpp>

#include <string_view>

namespace rik {

/// Adds to the message of `problem`, as parse_definition does, where its field stands in the definition `text`, or what
/// it is missing from: ", line 7 column 5". Nothing is added without a field, or if `text` has nothing on its path.
void tell_place(error& problem, std::string_view text);

}  // namespace rik
