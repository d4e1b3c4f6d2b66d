// The system calls that a container may make.
#pragma once

#include <boost/json/object.hpp>

#include <string_view>
#include <vector>

namespace rik::detail {

/// The `linux.seccomp` of a container: an allow list in the scope of Docker's default profile for a container with
/// these capabilities; all else fails with EPERM, or ENOSYS if it is newer than the list.
///
/// For this machine's own architecture only: programs for another one (32-bit ones on x86-64) are killed. Each further
/// architecture costs 8 ms and more at every start of a container (measured with runc 1.1.5: three of them, 24 ms).
/// Source: OCI runtime-spec, config-linux.md, Seccomp; docs.docker.com, "Seccomp security profiles".
boost::json::object seccomp_profile(std::vector<std::string_view> const& capabilities);

}  // namespace rik::detail
