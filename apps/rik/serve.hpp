// Runs the roles and the API until a signal or a failure.
#pragma once

#include "options.hpp"

namespace rik::app {

/// The process's exit code.
int serve(options const& chosen);
int reset_machine(options const& chosen);

}  // namespace rik::app
