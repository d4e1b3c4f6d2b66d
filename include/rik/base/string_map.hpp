// Names and their texts: labels, annotations, variables.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace rik {

using string_map = std::map<std::string, std::string, std::less<>>;

}  // namespace rik
