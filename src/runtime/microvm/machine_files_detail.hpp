// The files and groups of a machine, before it starts. Blocking.
#pragma once

#include "machine_start_detail.hpp"

namespace rik::detail {

/// What is too long to be told to a machine that is restored makes it boot, whatever the rules say.
result<void> make_machine_files(runtime_context const& on, machine_parts const& parts, container_request const& request,
                                start_rules rules);

}  // namespace rik::detail
