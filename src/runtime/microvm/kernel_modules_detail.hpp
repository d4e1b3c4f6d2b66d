// Which modules a machine's kernel needs, and in which order: pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// What a machine has: disk, network, the port to its keeper, and the word that its kernel has panicked.
std::vector<std::string> needed_modules();

/// The names in "depends=" of a module's file, with '_' for each '-'. Nothing of its format is needed otherwise.
std::vector<std::string> dependencies_of(std::string_view module_file);

/// "virtio_net" of "/lib/modules/6.1.0/kernel/drivers/net/virtio_net.ko".
std::string module_name(std::string_view path);

/// `wanted` and what they depend on, each behind its dependencies. One without an entry in `dependencies` is built into
/// the kernel, and left out.
std::vector<std::string> in_order(std::vector<std::string> const& wanted,
                                  std::map<std::string, std::vector<std::string>> const& dependencies);

}  // namespace rik::detail
