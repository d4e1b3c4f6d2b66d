// The files and groups of a machine, before it starts. Blocking.
#pragma once

#include "machine_start_detail.hpp"

namespace rik::detail {

result<void> make_machine_files(runtime_context const& on, machine_parts const& parts, container_request const& request,
                                start_rules const& rules);

}  // namespace rik::detail
