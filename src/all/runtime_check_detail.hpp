// What a single runtime needs of this machine.
#pragma once

#include <rik/all/runtime_check.hpp>

#include <array>
#include <string_view>

namespace rik::detail {

/// Is asked at every start of a node, too: it runs no program. Blocks, as a look at some files does.
runtime_check check_microvm();

/// What containers need beside what makes them. The Debian packages have the same names.
inline constexpr std::array<std::string_view, 3> container_programs{"conmon", "skopeo", "umoci"};

}  // namespace rik::detail
