// Entering the network namespace of a Pod, and coming back.
#pragma once

#include "network/linux/netlink_detail.hpp"

#include <filesystem>

namespace rik::detail {

/// Errors: not_found, nothing is there; invalid, it is not a network namespace.
result<descriptor> open_namespace(std::filesystem::path const& path);

/// A route socket inside `network_namespace`. The calling thread enters it and is back when this returns; one that
/// could not come back gets errors from then on: see stray_thread. Errors: internal.
/// Source: man 2 setns; man 7 network_namespaces: a socket stays in the namespace of its creation.
result<netlink_socket> open_socket_in(descriptor const& network_namespace);

}  // namespace rik::detail
