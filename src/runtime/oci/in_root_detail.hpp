// Paths of an image: its symbolic links lead nowhere outside of its root.
#pragma once

#include "unique_fd_detail.hpp"

namespace rik::detail {

/// Opens `path` as a process would whose root directory is `root`; -1 with errno if it cannot.
/// Source: man openat2, RESOLVE_IN_ROOT
unique_fd open_in_root(unique_fd const& root, char const* path, int flags);

}  // namespace rik::detail
