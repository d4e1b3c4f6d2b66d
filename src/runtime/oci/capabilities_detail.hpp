// The parts of root's rights that a container has: pure.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rik::detail {

/// "CAP_CHOWN", in the order of their numbers. `held` are our own, a bit each: of the others only those that a
/// definition adds by name are missed. ALL is looked at first, then what is added by name, then what is dropped.
/// Source: containerd, pkg/cri, WithCapabilities.
/// Errors: unsupported, one that is added by name is not ours to give.
result<std::vector<std::string_view>> capabilities_of(container_rights const& rights, std::uint64_t held);

}  // namespace rik::detail
