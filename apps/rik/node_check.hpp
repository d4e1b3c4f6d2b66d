// rik node check: what this machine can run.
#pragma once

#include "options.hpp"

namespace rik::app {

/// Prints it. Returns the exit code.
int check_node(options const& chosen);

}  // namespace rik::app
