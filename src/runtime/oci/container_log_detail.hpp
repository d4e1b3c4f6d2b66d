// The log files of a container: read while they are written and rotated.
#pragma once

#include "machine_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <memory>

namespace rik::detail {

/// Blocks. `on` must outlive the reader. Errors: not_found, there is no log.
result<std::unique_ptr<log_reader>> open_log_reader(machine const& on, container_paths const& paths,
                                                    log_options const& options);

/// Renames logs that have become too long and has conmon begin new ones, until it is cancelled.
awaitable<> rotate_logs(machine const& on);

}  // namespace rik::detail
