// The limit of open files, and how many clients it allows.
#pragma once

#include <cstddef>

namespace rik::app {

/// Raises the soft limit as far as the hard one allows, and gives what it is then.
std::size_t raise_open_files_limit();

/// So many are needed for all clients that limits allow, and what a node with many Pods has open besides.
std::size_t open_files_wanted(std::size_t address_kinds);

/// How many connections the unix socket and TCP may have each, so that enough is left for containers and tools.
std::size_t connections_for(std::size_t open_files_max, std::size_t address_kinds);

}  // namespace rik::app
