// What differs between two texts, line by line.
#pragma once

#include <string>
#include <string_view>

namespace rik {

/// Returns a unified diff with three lines of context; empty if the texts are the same. `before_name` and `after_name`
/// stand behind "---" and "+++". Of two large texts that differ in much, the whole middle is told as replaced.
/// Source: GNU diffutils, "Detailed Description of Unified Format".
std::string unified_diff(std::string_view before, std::string_view after, std::string_view before_name,
                         std::string_view after_name);

}  // namespace rik
