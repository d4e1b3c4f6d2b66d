// What a single runtime needs of this machine.
#pragma once

#include <rik/all/runtime_check.hpp>

namespace rik::detail {

/// Is asked at every start of a node, too: it runs no programs but what must be tried.
awaitable<runtime_check> check_microvm(local_options options);

}  // namespace rik::detail
