// A step of the start of a machine that is not booted: see machine_boot.hpp.
#pragma once

#include <string_view>

namespace rik::boot_step_name {

/// It goes on from a template: in place of `kernel`, so that each start that is known has one of the two.
inline constexpr std::string_view restored = "restored";

}  // namespace rik::boot_step_name
