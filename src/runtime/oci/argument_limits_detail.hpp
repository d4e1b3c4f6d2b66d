// What the kernel takes of arguments and variables when a program begins.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rik::detail {

/// Of all arguments and variables together, with their zero bytes and pointers.
/// Source: Linux, bprm_stack_limits: a quarter of the stack's limit, from 128 KiB to 6 MiB; man 2 execve.
std::uint64_t arguments_bytes_max(std::uint64_t stack_limit_bytes);

/// Errors: invalid, the kernel would refuse to begin a program with them.
result<void> check_arguments(std::vector<std::string> const& arguments, std::vector<std::string> const& environment,
                             std::uint64_t stack_limit_bytes);

}  // namespace rik::detail
