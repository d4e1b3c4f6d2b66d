// Settings of the kernel below /proc/sys, of this thread's network namespace. Blocking.
#pragma once

#include <rik/base/result.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

/// Gives a setting ("net/ipv4/ip_forward") a value, a single word, unless it has it already. Errors: not_found, there
/// is no such setting; exhausted; internal.
result<void> set_sysctl(std::string const& name, std::string_view value);

/// Errors: exhausted, nobody can look now.
result<bool> has_sysctl(std::string const& name, std::string_view value);

}  // namespace rik::detail
