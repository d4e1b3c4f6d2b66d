// rikctl as a function, for its main and for tests.
#pragma once

#include <string>
#include <vector>

#include "session.hpp"

namespace rikctl {

/// Runs rikctl with these arguments (without the program's name) and gives its exit code.
int run_rikctl(std::vector<std::string> arguments, surroundings& around);

}  // namespace rikctl
